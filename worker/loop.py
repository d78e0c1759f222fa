"""The claim loop: takes pairs off the store as the engine has room for them, keeps their leases, and gives them back.

Each pair is judged in a task of its own (`worker.attempt`). A bug in one escapes, the process dies, and the guilty
claim is redelivered when its lease runs out. The innocent ones are handed back first: a pair that kills workers takes
nobody with it.
"""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from selfref.messages import now
from selfref.store import Claim, Standing, Store, StoreUnavailable
from worker import metrics
from worker.attempt import Attempts
from worker.backoff import pauses
from worker.circuit import Circuit
from worker.concurrency import SENIORITY, Gate
from worker.endings import Judged
from worker.errors import EngineUnsuitable
from worker.terms import Terms

CLAIM_WAIT = 2.0  # seconds to block for work
LINGER = 0.02  # seconds to gather free slots before claiming, so that a busy worker claims several pairs in one go
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between tries while the store is away

log = structlog.get_logger()


@dataclass(eq=False)
class Held:
    """A claim and the task that judges it."""

    claim: Claim
    since: float
    task: "asyncio.Task[None] | None" = None
    settling: bool = False  # the engine's part is over; what is left is to store the ending

    @property
    def key(self) -> tuple[int, str, str]:
        """Where the claim's entry stands; a pair that comes again is another entry."""
        return (self.claim.shard, self.claim.lane, self.claim.entry_id)


class ClaimLoop:
    """One consumer of the work streams; `run` once."""

    def __init__(self, *, store: Store, attempts: Attempts, gate: Gate, circuit: Circuit, terms: Terms) -> None:
        self._store = store
        self._attempts = attempts
        self._gate = gate
        self._circuit = circuit
        self._terms = terms
        self._held: dict[tuple[int, str, str], Held] = {}
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._chores_due = 0.0
        self._numbers = itertools.count(1)
        metrics.JUDGMENTS_IN_FLIGHT.set_function(lambda: len(self._held))

    def stop(self) -> None:
        """Claim nothing more, hand back what is unfinished, and let `run` return."""
        self._stopping.set()

    async def run(self) -> None:
        """Claim and judge until stopped; raises an exception group when there is a bug, or an engine that changed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                beating = tasks.create_task(self._renew_for_ever())
                watching = tasks.create_task(self._circuit.watch())
                claiming = tasks.create_task(self._claim_for_ever(tasks))
                await self._stopping.wait()
                log.info("stopping", held=len(self._held))
                claiming.cancel()  # what its last reply may bring is given back when the store is closed
                await self._hand_back(self._abandon())
                await self._let_settle()
                beating.cancel()
                watching.cancel()
        finally:  # after a bug: everything but the guilty pair, which is no longer held
            await self._hand_back([held.claim for held in self._held.values()])

    # Claiming

    async def _claim_for_ever(self, tasks: asyncio.TaskGroup) -> None:
        outage = pauses(first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        while True:
            room = await self._room()
            try:
                claims = await self._take(room)
            except StoreUnavailable as error:
                await self._rest(error, next(outage))
                continue
            outage = pauses(first=FIRST_PAUSE, longest=LONGEST_PAUSE)
            if not self._circuit.closed:  # the engine went away while we waited for work
                await self._hand_back(claims)
                continue
            for claim in claims:
                self._start(claim, tasks)

    async def _room(self) -> int:
        """Free slots, once there are any and the engine is there."""
        while True:
            await self._circuit.wait_closed()
            if self._free() == 0:
                self._wake.clear()
                await self._wake.wait()
            if self._free() < len(self._held):
                await asyncio.sleep(LINGER)
            if self._circuit.closed and self._free() > 0:
                return self._free()

    def _free(self) -> int:
        """A judgment has at least one call in flight, so as many judgments as calls keep the engine busy.

        Those with more (votes, preset `paper`) wait for each other at the gate, which lets the oldest go first.
        """
        return max(0, min(self._terms.concurrency, self._gate.pace.slots) - len(self._held))

    async def _take(self, room: int) -> list[Claim]:
        """Up to `room` claims: what silent workers left behind first, else new work, waiting a little for it."""
        clock = asyncio.get_running_loop().time
        if clock() >= self._chores_due:
            await self._store.work.promote()
            left_behind = await self._store.work.reclaim(self._terms.consumer, lease=self._terms.lease, count=room)
            if len(left_behind) < room:
                self._chores_due = clock() + self._terms.chores
            if left_behind:
                metrics.RECLAIMED.inc(len(left_behind))
                log.info("reclaimed", pairs=len(left_behind))
                return left_behind
        wait = max(0.01, min(CLAIM_WAIT, self._chores_due - clock()))
        return await self._store.work.claim(self._terms.consumer, count=room, wait=wait)

    async def _rest(self, error: StoreUnavailable, pause: float) -> None:
        """Wait out a bit of a store outage; afterwards every worker gets to renew before any takes leases over."""
        metrics.STORE_OUTAGES.inc()
        log.warning("store_unavailable", error=str(error))
        await asyncio.sleep(pause)
        self._chores_due = asyncio.get_running_loop().time() + 2 * self._terms.heartbeat

    def _start(self, claim: Claim, tasks: asyncio.TaskGroup) -> None:
        held = Held(claim, since=asyncio.get_running_loop().time())
        if held.key in self._held:  # our lease ran out while this process stood still; the pair is still in work here
            return
        self._held[held.key] = held
        metrics.CLAIM_AGE_SECONDS.observe(max(0.0, (now() - claim.work.created_at).total_seconds()))
        held.task = tasks.create_task(self._serve(held))
        held.task.add_done_callback(lambda task: None if _innocent(task) else self._drop(held))

    def _holds(self, held: Held) -> bool:
        return self._held.get(held.key) is held

    def _drop(self, held: Held) -> None:
        if self._holds(held):
            del self._held[held.key]
        self._wake.set()

    async def _serve(self, held: Held) -> None:
        SENIORITY.set(next(self._numbers))
        ending = await self._attempts.ending(held.claim)
        held.settling = True
        await self._attempts.settle(held.claim, ending)
        if isinstance(ending, Judged):
            metrics.JUDGMENT_SECONDS.observe(asyncio.get_running_loop().time() - held.since)

    # Keeping and losing claims

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._terms.heartbeat)
            self._let_go_of_the_dead()
            held = list(self._held.values())
            if not held:
                continue
            try:
                standings = await self._store.work.renew([each.claim for each in held])
            except StoreUnavailable as error:
                metrics.STORE_OUTAGES.inc()
                log.warning("not_renewed", held=len(held), error=str(error))
                continue
            for each, standing in zip(held, standings, strict=True):
                if standing is not Standing.HELD and not each.settling and self._holds(each):
                    self._withdraw(each, standing)

    def _let_go_of_the_dead(self) -> None:
        """Stop renewing what nobody judges: a task canceled by nobody here. Its lease runs out, it is judged again."""
        for each in [held for held in self._held.values() if held.task is not None and held.task.done()]:
            log.error("judging_canceled_by_nobody", id=each.claim.work.id, why="its lease runs out")
            self._drop(each)

    def _withdraw(self, held: Held, standing: Standing) -> None:
        """Stop judging a pair that another worker has, or that nobody wants any more."""
        outcome = "canceled" if standing is Standing.CANCELED else "lost"
        metrics.JUDGMENTS.labels(outcome).inc()
        log.info("withdrawn", id=held.claim.work.id, why=outcome)
        if held.task is not None:
            held.task.cancel()
        self._drop(held)

    # Stopping

    def _abandon(self) -> list[Claim]:
        """Stop judging everything that is not yet being stored; the claims to hand back."""
        unfinished = [held for held in self._held.values() if not held.settling]
        for held in unfinished:
            if held.task is not None:
                held.task.cancel()
            self._drop(held)
        return [held.claim for held in unfinished]

    async def _let_settle(self) -> None:
        """Wait for the last results to be stored; what the store does not take in time is judged again elsewhere."""
        last = [held.task for held in self._held.values() if held.task is not None]
        if not last:
            return
        _, unstored = await asyncio.wait(last, timeout=self._terms.stop_patience)
        for task in unstored:
            task.cancel()
        if unstored:
            log.error("results_not_stored", pairs=len(unstored), why="the store is away; their leases run out")

    async def _hand_back(self, claims: Sequence[Claim]) -> None:
        if not claims:
            return
        try:
            await self._store.work.hand_back(claims)
        except StoreUnavailable as error:
            log.error("not_handed_back", pairs=len(claims), error=str(error), why="their leases run out")
        else:
            metrics.JUDGMENTS.labels("returned").inc(len(claims))
            log.info("handed_back", pairs=len(claims))


def _innocent(task: "asyncio.Task[None]") -> bool:
    """Did it end before its pair did, and not by the pair's doing? Then the claim is still held, to be handed back."""
    return task.cancelled() or isinstance(task.exception(), EngineUnsuitable)
