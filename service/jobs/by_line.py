"""Outcomes of pairs, told for every line that holds the pair: its own, and the later ones with the same comparison."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
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
    entries = await read(after.position, limit)
    return await asyncio.to_thread(_tell, entries, index, after, limit)


def _tell(entries: Iterable[Entry], index: PairIndex, place: Place, limit: int) -> tuple[list[Told], Place]:
    told: list[Told] = []
    for position, outcome in entries:
        if len(told) == limit:
            break
        record = index.record(pair_number(orjson.loads(outcome)["id"]))
        lines = 1 + record.twins
        stop = min(lines, place.lines + limit - len(told))
        told += _lines(outcome, record, index, start=place.lines, stop=stop)
        place = Place(position) if stop == lines else Place(place.position, stop)
    return told, place


def _lines(outcome: bytes, record: Record, index: PairIndex, *, start: int, stop: int) -> Iterator[Told]:
    """The lines of one outcome from number `start` up to `stop`; number 0 is its own, the others its twins."""
    holding: Iterator[Record | Twin] = chain([record], index.twins(record))
    for number, line in islice(enumerate(holding), start, stop):
        yield Told(outcome, line.line, _custom_id(index.line_of(line)), first=record.line if number else None)


def _custom_id(line: bytes) -> str | None:
    found: str | None = orjson.loads(line).get("custom_id")
    return found
