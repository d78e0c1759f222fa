"""The gateway's side of a pair: accept it, look at it, withdraw it, hear that it has ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from selfref.messages import STATE, Cancellation, Lane, State, Waiting, Work, now
from selfref.store.calls import new_call
from selfref.store.documents import pack, unpack
from selfref.store.keys import Shards, label_sequence
from selfref.store.pipeline import Pipeline
from selfref.store.streams import FIRST_ID, tail
from selfref.store.wire import Wire

RETENTION = 7 * 24 * 3600.0  # seconds that an ended pair can be read, unless its caller says otherwise
FINISHED_CAP = 10_000  # notices kept per shard; a gateway that falls further behind looks at the judgment itself
FINISHED_PAGE = 1000  # notices read at once, per shard


@dataclass(frozen=True, slots=True)
class Accepted:
    """The pair is ours now, and waits."""


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The id is taken, by an earlier request of this tenant and fingerprint."""

    fingerprint: str
    tenant: str


@dataclass(frozen=True, slots=True)
class QueueFull:
    """Nothing was accepted; `length` is how much waits, in the terms of the queue limit."""

    length: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A pair as Redis knows it."""

    tenant: str
    state: State


@dataclass(frozen=True, slots=True)
class Counts:
    """A tenant's pairs since its first; `submitted` is the sum of the others and `waiting`."""

    submitted: int = 0
    decided: int = 0
    tie: int = 0
    inconsistent: int = 0
    failed: int = 0
    canceled: int = 0

    @property
    def waiting(self) -> int:
        """Accepted and not ended yet."""
        return self.submitted - self.decided - self.tie - self.inconsistent - self.failed - self.canceled


class Judgments:
    """Every method raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, wire: Wire, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._wire = wire
        self._shards = shards

    async def accept(self, work: Work, *, fingerprint: str, queue_limit: int) -> Accepted | AlreadyThere | QueueFull:
        """Take a pair in, once per id.

        `queue_limit` bounds the lane over all shards, ready and in flight (not what is put aside for a later retry);
        each shard holds its equal share of it, rounded up.
        """
        keys = self._shards.of(work.id)
        reply = await self._pipeline.run(
            "accept",
            keys=[keys.judgment(work.id), keys.work(work.lane), keys.counts(work.tenant), keys.unarchived],
            args=[
                work.id,
                new_call(),
                pack(work.model_dump_json()),
                pack(Waiting.of(work).model_dump_json()),
                work.tenant,
                work.lane.value,
                fingerprint,
                -(-queue_limit // len(self._shards)),
                label_sequence(work.tenant),
            ],
        )
        match reply:
            case [b"accepted"]:
                return Accepted()
            case [b"there", known, tenant]:
                return AlreadyThere(fingerprint=known.decode(), tenant=tenant.decode())
            case _:
                return QueueFull(length=reply[1] * len(self._shards))

    async def state(self, judgment_id: str) -> Stored | None:
        """The pair, or None when it was never accepted or its retention is over."""
        return (await self.states([judgment_id]))[0]

    async def states(self, judgment_ids: Sequence[str]) -> list[Stored | None]:
        """The pairs in the order asked for, in one round trip."""
        rows = await self._pipeline.calls(
            ("HMGET", self._shards.of(each).judgment(each), "tenant", "result") for each in judgment_ids
        )
        return [
            None if tenant is None else Stored(tenant=tenant.decode(), state=STATE.validate_json(unpack(result)))
            for tenant, result in rows
        ]

    async def cancel(self, judgment_id: str, *, retention: float = RETENTION) -> bool:
        """Withdraw a pair. False when it is unknown, or ended otherwise before."""
        stored = await self.state(judgment_id)
        if stored is None:
            return False
        waiting, keys = stored.state, self._shards.of(judgment_id)
        cancellation = Cancellation(
            id=waiting.id,
            custom_id=waiting.custom_id,
            job_id=waiting.job_id,
            created_at=waiting.created_at,
            finished_at=now(),
        )
        return bool(
            await self._pipeline.run(
                "cancel",
                keys=[keys.judgment(judgment_id), keys.counts(stored.tenant), keys.finished],
                args=[judgment_id, pack(cancellation.model_dump_json()), round(retention * 1000), FINISHED_CAP],
            )
        )

    async def finished(self, after: dict[int, str] | None, *, wait: float) -> tuple[list[str], dict[int, str]]:
        """Ids that have ended since `after`, and where to go on from; waits up to `wait` seconds (2 at most) for one.

        None asks for the present end of the sequence, and returns at once.
        """
        if after is None:
            return [], await self._ends()
        positions = {self._shards[shard].finished: position for shard, position in after.items()}
        entries = await tail(self._wire, positions, count=FINISHED_PAGE, wait=wait)
        onward = {
            shard: entries[key][-1][0] if entries.get(key := self._shards[shard].finished) else position
            for shard, position in after.items()
        }
        return [fields[1].decode() for page in entries.values() for _, fields in page], onward

    async def _ends(self) -> dict[int, str]:
        newest = await self._pipeline.calls(("XREVRANGE", keys.finished, "+", "-", "COUNT", 1) for keys in self._shards)
        return {
            keys.shard: page[0][0].decode() if page else FIRST_ID
            for keys, page in zip(self._shards, newest, strict=True)
        }

    async def counts(self, tenant: str) -> Counts:
        """The tenant's counts over all shards."""
        rows = await self._pipeline.calls(("HGETALL", keys.counts(tenant)) for keys in self._shards)
        totals: dict[str, int] = {}
        for row in rows:
            for name, value in zip(row[::2], row[1::2], strict=True):
                totals[name.decode()] = totals.get(name.decode(), 0) + int(value)
        return Counts(**totals)

    async def queue_lengths(self) -> dict[Lane, int]:
        """Pairs in each lane over all shards: ready and in flight."""
        lanes = [(keys, lane) for keys in self._shards for lane in Lane]
        lengths = await self._pipeline.calls(("XLEN", keys.work(lane)) for keys, lane in lanes)
        totals = dict.fromkeys(Lane, 0)
        for (_, lane), length in zip(lanes, lengths, strict=True):
            totals[lane] += length
        return totals

    async def reserve(self, judgment_id: str, *, seconds: float) -> bool:
        """Hold an id while its first request is open. False when another request holds it."""
        key, call = self._shards.of(judgment_id).reservation(judgment_id), new_call()
        _, holder = await self._pipeline.calls([("SET", key, call, "NX", "PX", round(seconds * 1000)), ("GET", key)])
        return bool(holder == call.encode())

    async def release(self, judgment_id: str) -> None:
        """Let go of a reserved id."""
        await self._pipeline.call("DEL", self._shards.of(judgment_id).reservation(judgment_id))
