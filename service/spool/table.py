"""What was seen before among millions of keys, in a file instead of memory; a hit is only ever a candidate.

Open addressing over 64-bit hashes, at most half full. It holds where a key stands, not the key: whoever asks reads the
earlier line back and compares, so an answer is exact and two keys of one hash do no harm. Hashes are those of this
process, salted, so nobody outside can make keys collide; the file has no name and ends with the process.
"""

import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

_SLOT = struct.Struct("<QQII")  # hash (0: empty), offset, size, number
_RUN = 4  # slots read at once; at half full, a search ends within the first two on average
_MASK = (1 << 64) - 1


class Place(NamedTuple):
    """Where a key stands in the upload; `number` is the line's or the record's."""

    offset: int
    size: int
    number: int


class Search(NamedTuple):
    """What a search came to; `free` is the slot that the key would take."""

    hash: int
    free: int
    places: list[Place]


class Table:
    """Places by key, in a file without a name in `folder`."""

    def __init__(self, folder: Path, *, most: int, hashed: Callable[[object], int] = hash) -> None:
        """Room for `most` keys; the file is sparse, so room that is not used takes none."""
        self._hash = hashed
        self._slots = 1 << max(4, (2 * most - 1).bit_length())
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - open for as long as the table
        self._file.truncate((self._slots + _RUN) * _SLOT.size)  # a run that starts in the last slot is whole, too
        self._left = most

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def search(self, key: object) -> Search:
        """Where equal keys may stand: nearly always nowhere, or in the one place of an equal key."""
        wanted = self._hash(key) & _MASK or 1
        slot = wanted & (self._slots - 1)
        places: list[Place] = []
        while True:
            block = os.pread(self._file.fileno(), _RUN * _SLOT.size, slot * _SLOT.size)
            for taken, *place in _SLOT.iter_unpack(block):
                if not taken:
                    return Search(wanted, slot, places)
                if taken == wanted:
                    places.append(Place(*place))
                slot += 1
            if slot >= self._slots:
                slot = 0

    def add(self, search: Search, place: Place) -> None:
        """Remember one more place for the key last searched for; raises ValueError beyond the room asked for."""
        if not self._left:
            raise ValueError("the table is full")
        self._left -= 1
        os.pwrite(self._file.fileno(), _SLOT.pack(search.hash, *place), search.free * _SLOT.size)

    def close(self) -> None:
        """The file is gone after this."""
        self._file.close()
