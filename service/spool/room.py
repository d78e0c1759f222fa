"""A full disk, said in words of this service."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

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
