"""The label feed: one sequence per tenant, read page by page with a cursor that is good until the feed is replaced."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from selfref.messages import Label
from selfref.store.cursor import Cursor, Position
from selfref.store.epoch import settle
from selfref.store.errors import CursorExpired
from selfref.store.keys import Shards, label_sequence
from selfref.store.pipeline import Pipeline
from selfref.store.sequences import Entry, Sequences
from selfref.store.streams import MAX_BLOCK, tail
from selfref.store.wire import Wire

TRIM_PAGE = 500  # labels or segments dropped by one call, so that Redis is never held up for long


@dataclass(frozen=True, slots=True)
class LabelPage:
    """Labels in feed order, each as JSON, and the cursor that continues after them (given even when there are none)."""

    lines: list[bytes]
    cursor: str

    @property
    def labels(self) -> list[Label]:
        """The labels as messages."""
        return [Label.model_validate_json(line) for line in self.lines]


class Labels:
    """Every method raises StoreUnavailable; those that take a cursor raise CursorInvalid for one of another feed."""

    def __init__(self, pipeline: Pipeline, wire: Wire, sequences: Sequences, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._wire = wire
        self._sequences = sequences
        self._shards = shards

    async def read(self, tenant: str, *, after: str | None, limit: int, wait: float) -> LabelPage:
        """Up to `limit` labels after a cursor, or from the oldest kept; waits up to `wait` seconds for the first.

        Archived labels and those in Redis are one sequence. Shards are merged by stream id, then by shard number: pages
        of any size make up the same sequence. Raises CursorExpired when labels after the cursor were trimmed.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait
        while True:
            page, cursor = await self._read(tenant, after=after, limit=limit)
            left = deadline - clock()
            if page or left <= 0:
                return LabelPage(lines=page, cursor=cursor.encode())
            after = cursor.encode()
            streams = {keys.labels(tenant): str(cursor.positions[keys.shard]) for keys in self._shards}
            await tail(self._wire, streams, count=1, wait=min(left, MAX_BLOCK))

    async def trim(self, tenant: str, *, through: str) -> int:
        """Drop the labels that a reader with this cursor has read, of the archive whole segments. Returns how many."""
        cursor = Cursor.decode(through)
        cursor.check(epoch=await settle(self._pipeline, self._shards), shards=len(self._shards))
        dropped = 0
        for keys, position in zip(self._shards, cursor.positions, strict=True):
            segments = keys.segments(label_sequence(tenant))
            more = True
            while more:
                page, more = await self._pipeline.run(
                    "trim",
                    keys=[keys.labels(tenant), segments, keys.trimmed(tenant), keys.garbage],
                    args=[str(position), TRIM_PAGE],
                )
                dropped += page
        return dropped

    async def _read(self, tenant: str, *, after: str | None, limit: int) -> tuple[list[bytes], Cursor]:
        asked = None if after is None else Cursor.decode(after)
        known_epoch = await self._pipeline.call("GET", self._shards[0].epoch)
        epoch = known_epoch.decode() if known_epoch else await settle(self._pipeline, self._shards)
        if asked is not None:
            asked.check(epoch=epoch, shards=len(self._shards))
        start = asked.positions if asked else (Position(),) * len(self._shards)
        pages = await asyncio.gather(
            *(
                self._sequences.read(keys, label_sequence(tenant), after=position, limit=limit)
                for keys, position in zip(self._shards, start, strict=True)
            )
        )
        newest = await self._pipeline.calls(("GET", keys.trimmed(tenant)) for keys in self._shards)  # after the labels
        trimmed = [Position() if each is None else Position.parse(each.decode()) for each in newest]
        if asked is not None:
            _refuse_expired(asked, trimmed=trimmed)
        lines, positions = _merge(pages, start=start if asked else trimmed, limit=limit)
        return lines, Cursor(epoch=epoch, positions=positions)


def _merge(
    pages: Sequence[Sequence[Entry]], *, start: Sequence[Position], limit: int
) -> tuple[list[bytes], tuple[Position, ...]]:
    entries = sorted((position, shard, line) for shard, page in enumerate(pages) for position, line in page)
    positions = list(start)
    for position, shard, _ in entries[:limit]:
        positions[shard] = position
    return [line for _, _, line in entries[:limit]], tuple(positions)


def _refuse_expired(cursor: Cursor, *, trimmed: Sequence[Position]) -> None:
    if any(position < gone for position, gone in zip(cursor.positions, trimmed, strict=True)):
        raise CursorExpired(
            "labels after this cursor are no longer kept; read on from the oldest label kept by leaving the cursor out"
        )
