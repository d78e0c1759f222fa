"""What makes a file last: its bytes on disk, then its name; and a full disk said in words of this service."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import SpoolFull

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room_needed() -> Iterator[None]:
    """Raises SpoolFull in place of the system's word for a full disk or an exhausted quota."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise SpoolFull from error
        raise


def write_synced(path: Path, content: bytes) -> None:
    """A new file that is on disk when this returns; its name is once the folder has been synced or renamed."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Makes the names in a folder last; blocks until they are on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
