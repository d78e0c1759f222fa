"""Where a reader is in the label feed: opaque to callers, safe in a URL."""

import base64
import re
from dataclasses import dataclass
from typing import Self

from selfref.store.errors import CursorInvalid

VERSION = "1"
MAX_NUMBER = 2**64 - 1  # both halves of a stream id are unsigned 64-bit numbers
_STREAM_ID = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A stream id, comparable: everything up to and including it has been read."""

    milliseconds: int = 0
    sequence: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From Redis's notation. Raises ValueError for anything else."""
        found = _STREAM_ID.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no stream id")
        position = cls(int(found[1]), int(found[2]))
        if max(position.milliseconds, position.sequence) > MAX_NUMBER or position == cls(MAX_NUMBER, MAX_NUMBER):
            raise ValueError(f"{text!r} is beyond every stream id")
        return position

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in one feed: its epoch, and a position in each shard."""

    epoch: str
    positions: tuple[Position, ...]

    def encode(self) -> str:
        """As callers carry it."""
        text = "~".join([VERSION, self.epoch, *map(str, self.positions)])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """From what a caller carries. Raises CursorInvalid for what no feed ever gave out."""
        try:
            padded = text + "=" * (-len(text) % 4)
            version, epoch, *positions = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split("~")
            if version != VERSION:
                raise ValueError(f"version {version!r}")
            return cls(epoch=epoch, positions=tuple(Position.parse(each) for each in positions))
        except ValueError as error:
            raise CursorInvalid(
                "this is not a label cursor; pass on a cursor as it was given, or read from the start without"
            ) from error

    def check(self, *, epoch: str, shards: int) -> None:
        """Raises CursorInvalid unless the cursor belongs to the feed of this epoch."""
        if self.epoch != epoch or len(self.positions) != shards:
            raise CursorInvalid(
                "this label cursor belongs to another feed (the database was replaced); read from the start without a "
                "cursor, and drop the labels whose id is known already"
            )
