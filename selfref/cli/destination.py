"""Where a command writes what it reads: a file that is there whole or not at all, or standard output."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from selfref.cli.exit_codes import WRONG_USE


def check_destination(out: Path | None, *, overwrite: bool) -> None:
    """End the command before anything is read where the result could not be put."""
    from selfref.cli.terminal import stop

    if out is None:
        return
    if not out.parent.is_dir():
        stop(WRONG_USE, f"there is no folder {out.parent}", advice="Make it, or name another with --out.")
    if out.exists() and not overwrite:
        stop(WRONG_USE, f"{out} exists already", advice="Name another file with --out, or give --overwrite.")


def wanted_file(out: Path | None) -> AbstractContextManager[BinaryIO | None]:
    """What to write to, where a file is wanted. Raises OSError."""
    from selfref.durable import whole_file

    return nullcontext() if out is None else whole_file(out)


def destination(out: Path | None) -> AbstractContextManager[BinaryIO]:
    """What to write to. Raises OSError."""
    from selfref.durable import whole_file

    return nullcontext(sys.stdout.buffer) if out is None else whole_file(out)
