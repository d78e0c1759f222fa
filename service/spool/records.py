"""The index of an upload on disk: a record for each comparison to judge, and one for each later line that holds it too.

Both have a fixed size, so the n-th is read without the others. The twins of a record are a chain in order of their
lines: the record names the first, each twin the next.
"""

import struct
from enum import IntEnum
from typing import Literal, NamedTuple, Self

_RECORD = struct.Struct("<QIIIIIIBBB")
_TWIN = struct.Struct("<QIII")
_BETTER: tuple[Literal["A", "B"] | None, ...] = (None, "A", "B")


class Kind(IntEnum):
    """What a record is judged for."""

    PAIR = 0
    SAME_ANSWERS = 1  # a hidden check: answer A of a pair, twice
    REPEAT = 2  # a hidden check: a pair once more
    GOLD = 3  # a pair whose better answer the caller knows


class Record(NamedTuple):
    """One comparison to judge; its number is its place among the records."""

    offset: int
    size: int
    line: int  # from 1
    kind: Kind
    of: int = 0  # number of the pair that a hidden check is made of
    better: Literal["A", "B"] | None = None  # of a gold pair
    repeated: bool = False  # a later record is this pair once more
    twins: int = 0  # how many later lines hold the same comparison
    first_twin: int = 0  # number of the first twin, where there is one
    last_twin: int = 0

    def pack(self) -> bytes:
        """`RECORD_SIZE` bytes."""
        numbers = (self.offset, self.size, self.line, self.of, self.twins, self.first_twin, self.last_twin)
        return _RECORD.pack(*numbers, self.kind, _BETTER.index(self.better), self.repeated)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Raises struct.error for another size."""
        offset, size, line, of, twins, first, last, kind, better, repeated = _RECORD.unpack(packed)
        return cls(offset, size, line, Kind(kind), of, _BETTER[better], bool(repeated), twins, first, last)


class Twin(NamedTuple):
    """A later line that holds an earlier line's comparison."""

    offset: int
    size: int
    line: int  # from 1
    next: int = 0  # number of the next twin, where this is not the last

    def pack(self) -> bytes:
        """`TWIN_SIZE` bytes."""
        return _TWIN.pack(*self)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Raises struct.error for another size."""
        return cls(*_TWIN.unpack(packed))


RECORD_SIZE = _RECORD.size
TWIN_SIZE = _TWIN.size
