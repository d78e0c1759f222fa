"""What can be uploaded, as a file that can be sent more than once."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

Source: TypeAlias = str | os.PathLike[str] | Iterable[bytes]  # a path, or the content in pieces of any size

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Upload:
    """A file of JSON lines, plain or gzip."""

    path: Path
    gzipped: bool


@contextmanager
def upload_of(source: Source) -> Iterator[Upload]:
    """The file at a path; a pipe and pieces, which can be read only once, are first written beside. Raises OSError."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_file():
            yield Upload(path, _is_gzipped(path))
            return
    with tempfile.NamedTemporaryFile(prefix="selfref-upload-") as file:
        _fill(file.file, source)
        path = Path(file.name)
        yield Upload(path, _is_gzipped(path))


def _fill(file: IO[bytes], source: Source) -> None:
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as pipe:
            shutil.copyfileobj(pipe, file)
    else:
        file.writelines(source)
    file.flush()


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
