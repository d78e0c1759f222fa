"""Pairs that failed, with the reason, and the way back."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from selfref.messages import STATE, FailureCode, Lane, Waiting, Work
from selfref.store.calls import new_call
from selfref.store.cursor import Position
from selfref.store.documents import pack, unpack
from selfref.store.errors import DocumentUnreadable
from selfref.store.keys import Shards
from selfref.store.lua import script
from selfref.store.pipeline import Pipeline, invocation
from selfref.store.wire import Command

PAGE = 500  # dead letters read at once when all are replayed
_ENTRY_ID = re.compile(r"(?P<position>\d+-\d+)\.(?P<shard>\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A failed pair. `work` is None once it was replayed, its retention is over, or it cannot be decoded."""

    entry_id: str
    id: str
    tenant: str
    code: FailureCode
    message: str
    failed_at: datetime
    work: Work | None


class DeadLetters:
    """Every method raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._shards = shards

    async def list(self, limit: int, after: str | None = None) -> list[DeadLetter]:
        """Up to `limit` dead letters, oldest first, after the one with this `entry_id`. Raises ValueError for none."""
        pages = await self._pipeline.calls(
            ("XRANGE", keys.dead, _after(after, shard=keys.shard), "+", "COUNT", limit) for keys in self._shards
        )
        entries = sorted(
            (Position.parse(entry.decode()), shard, dict(zip(fields[::2], fields[1::2], strict=True)))
            for shard, page in enumerate(pages)
            for entry, fields in page
        )[:limit]
        works = await self._pipeline.calls(
            ("HGET", self._shards[shard].judgment(fields[b"id"].decode()), "work") for _, shard, fields in entries
        )
        return [
            DeadLetter(
                entry_id=f"{position}.{shard}",
                id=fields[b"id"].decode(),
                tenant=fields[b"tenant"].decode(),
                code=FailureCode(fields[b"code"].decode()),
                message=fields[b"message"].decode(),
                failed_at=datetime.fromisoformat(fields[b"failed_at"].decode()),
                work=_decoded(work),
            )
            for (position, shard, fields), work in zip(entries, works, strict=True)
        ]

    async def replay(self, ids: Sequence[str] | None) -> int:
        """Let failed pairs (None: all) wait again with their attempts forgotten. Returns how many came back."""
        if ids is not None:
            return await self._replay(ids)
        return sum([await self._replay(page) async for page in self._pages()])

    async def _pages(self) -> AsyncIterator[Sequence[str]]:
        after = None
        while letters := await self.list(PAGE, after):
            after = letters[-1].entry_id
            yield [letter.id for letter in letters]

    async def _replay(self, ids: Sequence[str]) -> int:
        rows = await self._pipeline.calls(
            ("HMGET", self._shards.of(each).judgment(each), "state", "tenant", "lane", "result") for each in ids
        )
        commands = [
            self._replaying(each, tenant=row[1].decode(), lane=Lane(row[2].decode()), failure=row[3])
            for each, row in zip(ids, rows, strict=True)
            if row[0] == b"failed"
        ]
        return sum(await self._pipeline.calls(commands))

    def _replaying(self, judgment_id: str, *, tenant: str, lane: Lane, failure: bytes) -> Command:
        waiting, keys = Waiting.of(STATE.validate_json(unpack(failure))), self._shards.of(judgment_id)
        return invocation(
            script("replay"),
            keys=[keys.judgment(judgment_id), keys.work(lane), keys.counts(tenant), keys.dead],
            args=[judgment_id, new_call(), pack(waiting.model_dump_json())],
        )


def _after(entry_id: str | None, *, shard: int) -> str:
    """Where a shard goes on after an entry, in the order (stream id, shard)."""
    if entry_id is None:
        return "-"
    found = _ENTRY_ID.fullmatch(entry_id)
    if found is None:
        raise ValueError(f"{entry_id!r} is not the entry_id of a dead letter")
    position = Position.parse(found["position"])
    return f"{position}" if shard > int(found["shard"]) else f"({position}"


def _decoded(work: bytes | None) -> Work | None:
    if work is None:
        return None
    try:
        return Work.model_validate_json(unpack(work))
    except (DocumentUnreadable, ValidationError):
        return None
