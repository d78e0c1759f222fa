"""The worker's side of a pair: claim it, keep it, end it, or give it back."""

from collections.abc import Sequence
from typing import Any

from selfref.messages import Failure, Judgment, Label, Lane
from selfref.store.claims import Claim, Standing
from selfref.store.errors import GroupsGone
from selfref.store.finishing import end_failed, end_failed_of_job, end_judged, end_judged_of_job
from selfref.store.groups import create_groups
from selfref.store.keys import GROUP, Keys, Shards
from selfref.store.lua import script
from selfref.store.pickup import Entry, pick_up
from selfref.store.pipeline import Pipeline, invocation
from selfref.store.streams import FIRST_ID, ask, block_milliseconds
from selfref.store.tallies import Tally
from selfref.store.wire import Command, Wire

BATCH_SHARE = 0.1  # of all claims are kept for the batch lane, however much interactive work there is
PROMOTED_AT_ONCE = 1000  # delayed pairs moved by one call, per shard
LANES = (Lane.INTERACTIVE, Lane.BATCH)  # in the order in which scripts are given their streams


class Work:
    """Every method raises StoreUnavailable. What it left undone then is undone when the lease runs out."""

    def __init__(self, pipeline: Pipeline, wire: Wire, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._wire = wire
        self._shards = shards
        self._consumers: set[str] = set()
        self._kept_for_batch = 0.0
        self._next_shard = 0
        self._reclaimed_to: dict[str, str] = {}

    async def claim(self, consumer: str, *, count: int, wait: float) -> list[Claim]:
        """Up to `count` pairs to judge, interactive ones first; waits up to `wait` seconds (2 at most) for one.

        Pairs that have ended (or were canceled) meanwhile are dropped, so an empty answer does not mean an empty queue.
        """
        self._consumers.add(consumer)
        try:
            entries = await self._take(consumer, count=count)
            if not entries and wait > 0:
                entries = await self._wait_for_one(consumer, wait=wait)
        except GroupsGone:
            await create_groups(self._wire, self._shards)
            return []
        claims = await pick_up(self._pipeline, entries, shards=self._shards, consumer=consumer)
        await self.hand_back(claims[count:])  # several streams may have woken us at once
        return claims[:count]

    async def reclaim(self, consumer: str, *, lease: float, count: int) -> list[Claim]:
        """Up to `count` pairs whose consumer has not renewed them for `lease` seconds.

        They may be this consumer's own, after a long stall: a worker compares them with what it still has in hand.
        """
        self._consumers.add(consumer)
        entries: list[Entry] = []
        for lane in LANES:
            for keys in self._shards:
                if len(entries) < count:
                    entries += await self._reclaim_from(
                        keys, lane, consumer=consumer, lease=lease, count=count - len(entries)
                    )
        return await pick_up(self._pipeline, entries, shards=self._shards, consumer=consumer)

    async def renew(self, claims: Sequence[Claim]) -> list[Standing]:
        """Keep these claims for another lease, those that are still their consumer's own; the standing of each."""
        by_shard: dict[int, list[int]] = {}
        for index, claim in enumerate(claims):
            by_shard.setdefault(claim.shard, []).append(index)
        replies = await self._pipeline.calls(
            self._renewal(self._shards[shard], [claims[index] for index in indices])
            for shard, indices in by_shard.items()
        )
        standings = [Standing.LOST] * len(claims)
        for indices, reply in zip(by_shard.values(), replies, strict=True):
            for index, standing in zip(indices, reply, strict=True):
                standings[index] = Standing(standing.decode())
        return standings

    async def finish(
        self,
        claim: Claim,
        outcome: Judgment | Failure,
        label: Label | None,
        *,
        retention: float,
        model: str | None = None,
    ) -> bool:
        """End a pair: outcome, label, counts, notice, dead letter of a failure and acknowledgement, or nothing at all.

        The first writer wins, be its lease lost or not; True when that was this call. The outcome can be read for
        `retention` seconds. A judgment brings a label and a failure none, else ValueError. `model` is whose failure it
        is in the tallies; a judgment names its own.
        """
        if outcome.id != claim.work.id:
            raise ValueError(f"the outcome of {outcome.id} cannot end {claim.work.id}")
        if isinstance(outcome, Judgment) != (label is not None):
            raise ValueError("a judgment brings its label, a failure brings none")
        tally = Tally.of(claim.work, outcome, model=model)
        if claim.work.job_id is not None:
            return await self._finish_of_job(claim, outcome, label, tally=tally, job_id=claim.work.job_id)
        keys = self._shards[claim.shard]
        if isinstance(outcome, Judgment) and label is not None:
            return await end_judged(
                self._pipeline,
                outcome,
                label,
                tally=tally,
                keys=keys,
                tenant=claim.work.tenant,
                lane=claim.lane,
                entry_id=claim.entry_id,
                retention=retention,
            )
        assert isinstance(outcome, Failure)  # noqa: S101 - a judgment without its label was refused
        return await end_failed(
            self._pipeline,
            outcome,
            tally=tally,
            keys=keys,
            tenant=claim.work.tenant,
            lane=claim.lane,
            entry_id=claim.entry_id,
            retention=retention,
        )

    async def retry_later(self, claim: Claim, *, delay: float, reason: str) -> None:
        """Count a failed attempt, and let the pair rest for `delay` seconds; nothing if the claim was lost."""
        keys = self._shards[claim.shard]
        await self._pipeline.run(
            "retry",
            keys=[
                self._state_key(claim),
                keys.work(claim.lane),
                keys.delayed,
                f"{keys.aside}{claim.work.id}",
            ],
            args=[
                GROUP,
                claim.consumer,
                claim.entry_id,
                f"{claim.lane.value}:{claim.work.id}",
                round(delay * 1000),
                claim.attempts + 1,
                claim.deliveries - 1,
                reason,
            ],
        )

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """Let others have these pairs at once, as if we had never taken them; nothing for those that were lost."""
        await self._pipeline.calls(
            invocation(
                script("hand_back"),
                keys=[self._state_key(each), self._shards[each.shard].work(each.lane)],
                args=[GROUP, each.consumer, each.entry_id, each.deliveries - 1],
            )
            for each in claims
        )

    async def promote(self) -> int:
        """Bring delayed pairs whose time has come back to their lanes. Returns how many."""
        moved = await self._pipeline.calls(
            invocation(
                script("promote"),
                keys=[keys.delayed, *(keys.work(lane) for lane in LANES)],
                args=[PROMOTED_AT_ONCE, f"{Lane.INTERACTIVE.value}:", keys.aside],
            )
            for keys in self._shards
        )
        return sum(moved)

    async def retire(self) -> None:
        """Leave the consumer groups, and give back what is still held."""
        await self._pipeline.calls(
            invocation(script("retire"), keys=[keys.work(lane)], args=[GROUP, consumer])
            for consumer in sorted(self._consumers)
            for keys in self._shards
            for lane in LANES
        )
        self._consumers.clear()

    async def _take(self, consumer: str, *, count: int) -> list[Entry]:
        self._kept_for_batch += count * BATCH_SHARE
        kept = int(self._kept_for_batch)
        self._kept_for_batch -= kept
        entries: list[Entry] = []
        first, self._next_shard = self._next_shard, (self._next_shard + 1) % len(self._shards)
        for step in range(len(self._shards)):
            keys = self._shards[(first + step) % len(self._shards)]
            left = count - len(entries)
            if left <= 0:
                break
            reply = await ask(
                self._wire,
                invocation(
                    script("take"),
                    keys=[keys.work(lane) for lane in LANES],
                    args=[GROUP, consumer, left, kept, keys.prefix],
                ),
            )
            for lane, page in zip(LANES, reply, strict=True):
                entries += [_entry(each, lane=lane, keys=keys) for each in page]
        return entries

    async def _wait_for_one(self, consumer: str, *, wait: float) -> list[Entry]:
        streams = {keys.work(lane): (keys, lane) for lane in LANES for keys in self._shards}
        reply = await ask(
            self._wire,
            (
                *("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", 1, "BLOCK", block_milliseconds(wait)),
                *("STREAMS", *streams, *[">"] * len(streams)),
            ),
            wait=wait,
        )
        entries = []
        for key, page in reply or ():
            keys, lane = streams[key.decode()]
            entries += [_entry(each, lane=lane, keys=keys) for each in page]
        return entries

    async def _reclaim_from(self, keys: Keys, lane: Lane, *, consumer: str, lease: float, count: int) -> list[Entry]:
        stream = keys.work(lane)
        cursor, taken = await ask(
            self._wire,
            invocation(
                script("reclaim"),
                keys=[stream],
                args=[GROUP, consumer, round(lease * 1000), self._reclaimed_to.get(stream, FIRST_ID), count],
            ),
        )
        self._reclaimed_to[stream] = cursor.decode()
        return [_entry(each, lane=lane, keys=keys, deliveries=each[2]) for each in taken]

    def _renewal(self, keys: Keys, claims: Sequence[Claim]) -> Command:
        return invocation(
            script("renew"),
            keys=[*(keys.work(lane) for lane in LANES), *map(self._state_key, claims)],
            args=[
                GROUP,
                *(part for each in claims for part in (LANES.index(each.lane) + 1, each.entry_id, each.consumer)),
            ],
        )

    def _state_key(self, claim: Claim) -> str:
        """Where it stands whether the pair is still wanted."""
        keys, job_id = self._shards[claim.shard], claim.work.job_id
        return keys.judgment(claim.work.id) if job_id is None else keys.job(job_id)

    async def _finish_of_job(
        self, claim: Claim, outcome: Judgment | Failure, label: Label | None, *, tally: Tally, job_id: str
    ) -> bool:
        keys, entry_id = self._shards[claim.shard], claim.entry_id
        if isinstance(outcome, Judgment) and label is not None:
            return await end_judged_of_job(
                self._pipeline,
                outcome,
                label,
                tally=tally,
                work=claim.work,
                job_id=job_id,
                keys=keys,
                entry_id=entry_id,
            )
        assert isinstance(outcome, Failure)  # noqa: S101 - a judgment without its label was refused
        check = None if claim.work.check is None else claim.work.check.kind
        return await end_failed_of_job(
            self._pipeline,
            outcome,
            tally=tally,
            tenant=claim.work.tenant,
            check=check,
            job_id=job_id,
            keys=keys,
            entry_id=entry_id,
        )


def _entry(entry: Sequence[Any], *, lane: Lane, keys: Keys, deliveries: int = 1) -> Entry:
    fields = dict(zip(entry[1][::2], entry[1][1::2], strict=True))
    return Entry(
        judgment_id=fields[b"id"].decode(),
        lane=lane,
        shard=keys.shard,
        entry_id=entry[0].decode(),
        deliveries=deliveries + int(fields.get(b"crashes", 0)),
        attempts=int(fields.get(b"attempts", 0)),
        work=fields.get(b"work"),
    )
