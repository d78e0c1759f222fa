"""Outcomes of pairs, told for every line that holds the pair: its own, and the later ones with the same comparison."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Self

import orjson

from selfref.store import Entry, Position
from service.errors import Invalid
from service.spool.index import PairIndex, pair_number
from service.spool.records import Record, Twin

START = Position()
_PLACE = re.compile(r"(\d{1,20}-\d{1,20})\.(\d{1,9})", re.ASCII)

Read = Callable[[Position, int], Awaitable[list[Entry]]]  # the outcomes behind a position, at most so many


@dataclass(frozen=True, slots=True)
class Place:
    """Everything up to `position` has been told, and so many lines of the outcome behind it."""

    position: Position = START
    lines: int = 0

    def encode(self) -> str:
        """As callers carry it."""
        return f"{self.position}.{self.lines}"

    @classmethod
    def decode(cls, text: str) -> Self:
        """From what a caller carries. Raises Invalid."""
        found = _PLACE.fullmatch(text)
        try:
            if found is not None:
                return cls(Position.parse(found[1]), int(found[2]))
        except ValueError:
            pass
        raise Invalid(
            "invalid_cursor", "`after` is no cursor of this list; use one it gave, or leave it out.", param="after"
        )


@dataclass(frozen=True, slots=True)
class Told:
    """An outcome and the line it is told for; `first` is the earlier line whose comparison it shares."""

    outcome: bytes
    line: int
    custom_id: str | None
    first: int | None


async def by_line(read: Read, index: PairIndex, *, after: Place, limit: int) -> tuple[list[Told], Place]:
    """Up to `limit` lines behind a place, and the place behind them. Raises what `read` raises."""
    told: list[Told] = []
    entries = await read(after.position, limit)
    place = after
    for position, outcome in entries:
        if len(told) == limit:
            break
        place = await asyncio.to_thread(_tell, outcome, position, index, place, told, limit)
    return told, place


def _tell(outcome: bytes, position: Position, index: PairIndex, place: Place, told: list[Told], limit: int) -> Place:
    """Append the lines of one outcome from `place.lines` on; where to go on."""
    record = index.record(pair_number(orjson.loads(outcome)["id"]))
    lines = 1 + record.twins
    stop = min(lines, place.lines + limit - len(told))
    first = None if place.lines == 0 else record.line
    holding: Iterator[Record | Twin] = chain([record], index.twins(record))
    for line in islice(holding, place.lines, stop):
        told.append(Told(outcome, line.line, _custom_id(index.line_of(line)), first))
        first = record.line
    return Place(position) if stop == lines else Place(place.position, stop)


def _custom_id(line: bytes) -> str | None:
    found: str | None = orjson.loads(line).get("custom_id")
    return found
