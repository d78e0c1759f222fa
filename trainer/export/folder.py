"""A folder that is there whole or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfref.durable import sync_folder
from trainer.runs import sync_tree


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that gets its name, and what is above it, once the block ends well and it is on the disk.

    An empty folder may be in its place. Where the block raises, nothing is left. A killed process can leave the hidden
    `.NAME.XXXXXXXX.partial` behind. Raises OSError.
    """
    path = path.absolute()
    above = next(each for each in path.parents if each.is_dir())
    aside = above / f".{path.name}.{secrets.token_hex(4)}.partial"
    aside.mkdir()
    try:
        yield aside
        for each in (aside, *(each for each in aside.rglob("*") if each.is_dir())):
            sync_tree(each)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    sync_folder(path.parent)
