"""The queue against a model: whatever happens, in whatever order, Redis holds what a few dictionaries say."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from selfref.messages import Lane, Verdict
from selfref.store import Accepted, AlreadyThere, Claim, Counts, Standing, Store
from tests.outcomes import failure_of
from tests.redis_server import RedisServer
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import assert_promises, feed, look, whole

T = TypeVar("T")
NAMES = st.sampled_from([f"p{n}" for n in range(6)])
CONSUMERS = st.sampled_from(["w1", "w2", "w3"])
LIMIT = 1000


@dataclass
class Pair:
    """A pair as the model knows it."""

    lane: Lane
    state: str = "waiting"
    attempts: int = 0
    crashes: int = 0


@dataclass
class Model:
    """What Redis should hold: the queue as multisets, and one record per pair."""

    pairs: dict[str, Pair] = field(default_factory=dict)
    ready: Counter[tuple[Lane, str]] = field(default_factory=Counter)
    pending: dict[tuple[Lane, str], tuple[str, str, int]] = field(default_factory=dict)  # id, consumer, deliveries
    delayed: set[tuple[Lane, str]] = field(default_factory=set)
    labels: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    failures: int = 0  # ever: a pair that is replayed is no longer failed, but has been

    def holds(self, claim: Claim) -> bool:
        """True when the claim's own consumer has its entry."""
        found = self.pending.get((claim.lane, claim.entry_id))
        return found is not None and found[1] == claim.consumer


class QueueMachine(RuleBasedStateMachine):
    """Every operation of gateway, worker and operator, in any order, with zombies' claims never forgotten."""

    claims: Bundle[Claim] = Bundle("claims")
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()

    def do(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.runner.run(wait())

    @initialize()
    def open(self) -> None:
        self.store = self.do(Store.open(self.url))
        self.do(self.store._pipeline.call("FLUSHALL"))
        self.do(self.store.aclose())
        self.store = self.do(Store.open(self.url))

    @rule(name=NAMES, lane=st.sampled_from(Lane))
    def accept(self, name: str, lane: Lane) -> None:
        reply = self.do(self.store.judgments.accept(work(name, lane=lane), fingerprint=name, queue_limit=LIMIT))
        if name in self.model.pairs:
            assert reply == AlreadyThere(fingerprint=name, tenant="acme")
            return
        assert reply == Accepted()
        self.model.pairs[name] = Pair(lane=lane)
        self.model.ready[lane, name] += 1

    @rule(target=claims, consumer=CONSUMERS, count=st.integers(1, 4))
    def claim(self, consumer: str, count: int) -> MultipleResults[Claim]:
        taken = min(count, self.model.ready.total())
        claims = self.do(self.store.work.claim(consumer, count=count, wait=0))
        for claim in claims:
            self._took(claim, crashes=0)
            self.model.ready[claim.lane, claim.work.id] -= 1
            assert self.model.ready[claim.lane, claim.work.id] >= 0
        self._dropped(taken - len(claims))
        return multiple(*claims)

    def _dropped(self, number: int) -> None:
        """Entries of ended pairs were thrown away when met; which ones, only Redis knows."""
        left = self.do(look(self.store)).ready
        gone = self.model.ready - left
        assert gone.total() == number
        assert all(self.model.pairs[name].state != "waiting" for _, name in gone)
        self.model.ready = left

    def _took(self, claim: Claim, *, crashes: int) -> None:
        pair = self.model.pairs[claim.work.id]
        assert pair.state == "waiting"
        assert claim.attempts == pair.attempts
        assert claim.deliveries == pair.crashes + crashes + 1
        assert (claim.lane, claim.entry_id) not in self.model.pending or crashes
        self.model.pending[claim.lane, claim.entry_id] = (claim.work.id, claim.consumer, crashes + 1)

    @rule(target=claims, consumer=CONSUMERS)
    def leases_run_out(self, consumer: str) -> MultipleResults[Claim]:
        """Every worker stalls past its lease, and one comes to take over."""
        claims = self.do(self.store.work.reclaim(consumer, lease=0, count=100))
        taken = {(claim.lane, claim.entry_id): claim for claim in claims}
        for entry, (name, _, deliveries) in list(self.model.pending.items()):
            if self.model.pairs[name].state != "waiting":
                assert entry not in taken
                del self.model.pending[entry]
            else:
                self._took(taken.pop(entry), crashes=deliveries)
        assert not taken
        return multiple(*claims)

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        (standing,) = self.do(self.store.work.renew([claim]))
        state = self.model.pairs[claim.work.id].state
        if state == "waiting":
            assert standing is (Standing.HELD if self.model.holds(claim) else Standing.LOST)
        else:
            assert standing is (Standing.CANCELED if state == "canceled" else Standing.LOST)
            self.model.pending.pop((claim.lane, claim.entry_id), None)

    @rule(claim=claims, verdict=st.sampled_from(Verdict))
    def judge(self, claim: Claim, verdict: Verdict) -> None:
        ours = self.do(self.store.work.finish(claim, *judged(claim.work, verdict=verdict), retention=RETENTION))
        if self._ended(claim, "judged", ours=ours):
            self.model.labels[claim.work.id] += 1
            self.model.ends["decided" if verdict.decided else verdict.value] += 1

    @rule(claim=claims)
    def fail(self, claim: Claim) -> None:
        ours = self.do(self.store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION))
        if self._ended(claim, "failed", ours=ours):
            self.model.ends["failed"] += 1
            self.model.failures += 1

    def _ended(self, claim: Claim, state: str, *, ours: bool) -> bool:
        pair = self.model.pairs[claim.work.id]
        assert ours == (pair.state == "waiting")
        self.model.pending.pop((claim.lane, claim.entry_id), None)
        if ours:
            pair.state = state
        return ours

    @rule(name=NAMES)
    def cancel(self, name: str) -> None:
        pair = self.model.pairs.get(name)
        withdrawn = self.do(self.store.judgments.cancel(name))
        assert withdrawn == (pair is not None and pair.state in ("waiting", "canceled"))
        if pair is not None and pair.state == "waiting":
            pair.state = "canceled"
            self.model.ends["canceled"] += 1

    @rule(claim=claims, delay=st.sampled_from([0.0, 3600.0]))
    def retry_later(self, claim: Claim, delay: float) -> None:
        self.do(self.store.work.retry_later(claim, delay=delay, reason="503"))
        if not self.model.holds(claim):
            return
        del self.model.pending[claim.lane, claim.entry_id]
        pair = self.model.pairs[claim.work.id]
        if pair.state == "waiting":
            pair.attempts, pair.crashes = claim.attempts + 1, claim.deliveries - 1
            self.model.delayed.add((claim.lane, claim.work.id))

    @rule(claim=claims)
    def hand_back(self, claim: Claim) -> None:
        self.do(self.store.work.hand_back([claim]))
        if not self.model.holds(claim):
            return
        del self.model.pending[claim.lane, claim.entry_id]
        pair = self.model.pairs[claim.work.id]
        if pair.state == "waiting":
            pair.crashes = claim.deliveries - 1
            self.model.ready[claim.lane, claim.work.id] += 1

    @rule()
    def time_passes_and_delayed_work_is_promoted(self) -> None:
        delayed = self.store._shards[0].delayed
        for lane, name in self.model.delayed:
            self.do(self.store._pipeline.call("ZADD", delayed, 0, f"{lane.value}:{name}"))
        assert self.do(self.store.work.promote()) == len(self.model.delayed)
        self.model.ready.update(self.model.delayed)
        self.model.delayed.clear()

    @rule(name=NAMES)
    def replay(self, name: str) -> None:
        pair = self.model.pairs.get(name)
        replayed = self.do(self.store.dead_letters.replay([name]))
        assert replayed == (pair is not None and pair.state == "failed")
        if pair is not None and replayed:
            pair.state, pair.attempts, pair.crashes = "waiting", 0, 0
            self.model.ends["failed"] -= 1
            self.model.ready[pair.lane, name] += 1

    @rule()
    @precondition(lambda self: self.model.pending)
    def a_process_ends_cleanly(self) -> None:
        """Its consumers leave, and what they held is ready again."""
        self.do(self.store.aclose())
        self.store = self.do(Store.open(self.url))
        for (lane, _), (name, _, _) in self.model.pending.items():
            self.model.ready[lane, name] += 1
        self.model.pending.clear()

    @invariant()
    def redis_holds_what_the_model_says(self) -> None:
        queue = self.do(look(self.store))
        assert queue.ready == +self.model.ready
        assert queue.delayed == self.model.delayed
        assert {(lane, name, consumer, deliveries) for lane, name, consumer, deliveries in queue.pending.values()} == {
            (lane, name, consumer, deliveries) for (lane, _), (name, consumer, deliveries) in self.model.pending.items()
        }
        counts = self.do(self.store.judgments.counts("acme"))
        assert counts == Counts(submitted=len(self.model.pairs), **+self.model.ends)
        assert counts.waiting == sum(pair.state == "waiting" for pair in self.model.pairs.values())
        assert Counter(self.do(feed(self.store))) == self.model.labels
        tallied = self.do(whole(self.store))
        ends = {name: getattr(tallied, name) for name in ("decided", "tie", "inconsistent")}
        assert ends == {name: self.model.ends[name] for name in ends}
        assert tallied.failed == self.model.failures
        assert all(count == 1 for count in self.model.labels.values())
        on_their_way = queue.waiting_ids()
        assert all(on_their_way[name] for name, pair in self.model.pairs.items() if pair.state == "waiting")

    def teardown(self) -> None:
        """Whatever happened, all that is left can be judged, and every promise holds."""
        if hasattr(self, "store"):
            self.time_passes_and_delayed_work_is_promoted()
            self.do(self._judge_the_rest())
            self.do(assert_promises(self.store, list(self.model.pairs)))
            self.do(self.store.aclose())
        self.runner.close()

    async def _judge_the_rest(self) -> None:
        for _ in range(5):  # far more than it takes; what is left then, the promises find
            for claim in [
                *await self.store.work.reclaim("last", lease=0, count=100),
                *await self.store.work.claim("last", count=100, wait=0),
            ]:
                await self.store.work.finish(claim, *judged(claim.work), retention=RETENTION)


def test_the_queue_does_what_its_model_does(redis_server: RedisServer) -> None:
    machine = type("BoundQueueMachine", (QueueMachine,), {"url": redis_server.url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
