"""The label feed: one sequence per tenant, read page by page with a cursor that is good until the feed is replaced."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from selfref.messages import Label
from selfref.store.cursor import Cursor, Position
from selfref.store.epoch import settle
from selfref.store.errors import CursorExpired
from selfref.store.keys import Shards
from selfref.store.pipeline import Pipeline
from selfref.store.streams import MAX_BLOCK, tail
from selfref.store.wire import Command, Wire

TRIM_PAGE = 500  # labels dropped by one call, so that Redis is never held up for long


@dataclass(frozen=True, slots=True)
class LabelPage:
    """Labels in feed order, and the cursor that continues after them (given even when there are none)."""

    labels: list[Label]
    cursor: str


class Labels:
    """Every method raises StoreUnavailable; those that take a cursor raise CursorInvalid for one of another feed."""

    def __init__(self, pipeline: Pipeline, wire: Wire, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._wire = wire
        self._shards = shards

    async def read(self, tenant: str, *, after: str | None, limit: int, wait: float) -> LabelPage:
        """Up to `limit` labels after a cursor, or from the oldest kept; waits up to `wait` seconds for the first.

        Shards are merged by stream id, then by shard number: pages of any size make up the same sequence.
        Raises CursorExpired when labels after the cursor were trimmed.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait
        while True:
            page, cursor = await self._read(tenant, after=after, limit=limit)
            left = deadline - clock()
            if page or left <= 0:
                return LabelPage(labels=page, cursor=cursor.encode())
            after = cursor.encode()
            streams = {keys.labels(tenant): str(cursor.positions[keys.shard]) for keys in self._shards}
            await tail(self._wire, streams, count=1, wait=min(left, MAX_BLOCK))

    async def trim(self, tenant: str, *, through: str) -> int:
        """Drop the labels that a reader with this cursor has read. Returns how many."""
        cursor = Cursor.decode(through)
        cursor.check(epoch=await settle(self._pipeline, self._shards), shards=len(self._shards))
        dropped = 0
        for keys, position in zip(self._shards, cursor.positions, strict=True):
            page = TRIM_PAGE
            while page == TRIM_PAGE:
                page = await self._pipeline.run(
                    "trim", keys=[keys.labels(tenant), keys.trimmed(tenant)], args=[str(position), TRIM_PAGE]
                )
                dropped += page
        return dropped

    async def _read(self, tenant: str, *, after: str | None, limit: int) -> tuple[list[Label], Cursor]:
        asked = None if after is None else Cursor.decode(after)
        start = asked.positions if asked else (Position(),) * len(self._shards)
        commands: list[Command] = [("GET", self._shards[0].epoch)]
        for keys, position in zip(self._shards, start, strict=False):  # a cursor of another feed is refused below
            commands.append(("XRANGE", keys.labels(tenant), f"({position}", "+", "COUNT", limit))
            commands.append(("GET", keys.trimmed(tenant)))
        known_epoch, *replies = await self._pipeline.calls(commands)
        epoch = known_epoch.decode() if known_epoch else await settle(self._pipeline, self._shards)
        trimmed = [Position() if newest is None else Position.parse(newest.decode()) for newest in replies[1::2]]
        if asked is not None:
            asked.check(epoch=epoch, shards=len(self._shards))
            _refuse_expired(asked, trimmed=trimmed)
        labels, positions = _merge(replies[::2], start=start if asked else trimmed, limit=limit)
        return labels, Cursor(epoch=epoch, positions=positions)


def _merge(
    pages: Sequence[Sequence[tuple[bytes, list[bytes]]]], *, start: Sequence[Position], limit: int
) -> tuple[list[Label], tuple[Position, ...]]:
    entries = sorted(
        (Position.parse(entry.decode()), shard, fields[1]) for shard, page in enumerate(pages) for entry, fields in page
    )
    positions = list(start)
    labels = []
    for position, shard, text in entries[:limit]:
        positions[shard] = position
        labels.append(Label.model_validate_json(text))
    return labels, tuple(positions)


def _refuse_expired(cursor: Cursor, *, trimmed: Sequence[Position]) -> None:
    if any(position < gone for position, gone in zip(cursor.positions, trimmed, strict=True)):
        raise CursorExpired(
            "labels after this cursor are no longer kept; read on from the archive, or from the oldest label kept by "
            "leaving the cursor out"
        )
