"""The error list of an upload, page by page; a cursor is a place in the file that has it, which never changes."""

import os
from typing import NamedTuple

from service.spool.folder import JobFolder

_MOST_BYTES = 1024 * 1024  # of a page


class RefusedPage(NamedTuple):
    """`text` is whole lines of NDJSON, each a LineError; empty where there are no more."""

    text: bytes
    next: int


def read_refused(folder: JobFolder, *, after: int, limit: int) -> RefusedPage:
    """Up to `limit` errors from the cursor `after` on (0: the first), and at most a megabyte of them.

    Raises ValueError for a cursor that no page gave, FileNotFoundError before the lines have been read.
    """
    with folder.refused.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if after < 0 or after > size or (after and os.pread(file.fileno(), 1, after - 1) != b"\n"):
            raise ValueError("no cursor of this list")
        file.seek(after)
        kept: list[bytes] = []
        room = _MOST_BYTES
        while len(kept) < limit and room > 0 and (line := file.readline()):
            kept.append(line)
            room -= len(line)
    return RefusedPage(b"".join(kept), after + sum(map(len, kept)))
