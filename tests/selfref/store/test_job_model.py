"""Jobs in any order of events: after each of them every pair is in exactly one place, and everything agrees (P1-P4)."""

import asyncio
import itertools
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
from redis import Redis

from selfref.messages import JobStatus
from selfref.store import Claim, Store
from service.archive import SegmentArchive
from tests.redis_server import RedisServer
from tests.selfref.store.jobs import fail, item, judge, outcomes, pair_of, started, stored
from tests.selfref.store.views import feed, look

T = TypeVar("T")
NAMES = ("job-a", "job-b", "job-c")
TENANTS = {"job-a": "ann", "job-b": "ann", "job-c": "bob"}
CONSUMERS = st.sampled_from(["w1", "w2"])
_archives = itertools.count()


@dataclass
class Job:
    """What the test knows of a job: its pairs, its plan, and where the failures that are not taken up begin."""

    pairs: int
    plan: list[int] = field(default_factory=list)
    fed: int = 0
    taken_up: int = 0  # failures that retries have taken up


class JobMachine(RuleBasedStateMachine):
    """Every operation of gateway, keeper and worker on jobs, with zombies' claims never forgotten."""

    claims: Bundle[Claim] = Bundle("claims")
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.jobs: dict[str, Job] = {}

    def do(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.runner.run(wait())

    @initialize()
    def open(self) -> None:
        with Redis.from_url(self.url) as redis:
            redis.flushall()
        self.archive = SegmentArchive(f"memory://model-{next(_archives)}")
        self.store = self.do(Store.open(self.url, archive=self.archive))

    @rule(name=st.sampled_from(NAMES), pairs=st.integers(1, 6))
    def upload(self, name: str, pairs: int) -> None:
        if name not in self.jobs:
            self.do(started(self.store, name, pairs, tenant=TENANTS[name]))
            self.jobs[name] = Job(pairs, list(range(pairs)))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), count=st.integers(1, 4), late=st.booleans())
    def feed_some(self, data: st.DataObject, count: int, late: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.jobs)))
        known, job = self.jobs[name], self.do(stored(self.store, name))
        start = max(0, known.fed - 1) if late else known.fed
        numbers = known.plan[start : start + count]
        items = [item(pair_of(name, number, tenant=TENANTS[name])) for number in numbers]
        place = self.do(self.store.jobs.enqueue(job, items, after=start, through=start + len(items)))
        if job.status is not JobStatus.RUNNING:
            assert place is None
        elif start != known.fed:
            assert place == known.fed, "a keeper that is late feeds nothing"
        else:
            known.fed += len(items)

    @rule(target=claims, consumer=CONSUMERS, count=st.integers(1, 4))
    def claim(self, consumer: str, count: int) -> MultipleResults[Claim]:
        return multiple(*self.do(self.store.work.claim(consumer, count=count, wait=0)))

    @rule(target=claims, consumer=CONSUMERS)
    def take_over(self, consumer: str) -> MultipleResults[Claim]:
        return multiple(*self.do(self.store.work.reclaim(consumer, lease=0.0, count=3)))

    @rule(claim=claims)
    def judge_it(self, claim: Claim) -> None:
        self.do(judge(self.store, claim))

    @rule(claim=claims)
    def fail_it(self, claim: Claim) -> None:
        self.do(fail(self.store, claim))

    @rule(claim=claims)
    def put_it_off(self, claim: Claim) -> None:
        self.do(self.store.work.retry_later(claim, delay=0.0, reason="engine_failed"))

    @rule(claim=claims)
    def hand_it_back(self, claim: Claim) -> None:
        self.do(self.store.work.hand_back([claim]))

    @rule(claim=claims)
    def renew_it(self, claim: Claim) -> None:
        self.do(self.store.work.renew([claim]))

    @rule()
    def promote(self) -> None:
        self.do(self.store.work.promote())

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.jobs)))
        self.do(self.store.jobs.cancel(name, tenant=TENANTS[name], at=1))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.jobs)))
        _, failures = self.do(outcomes(self.store, name))
        taken = self.do(self.store.jobs.retry(name, tenant=TENANTS[name]))
        if taken:
            known = self.jobs[name]
            new = failures[known.taken_up :]
            assert taken == len(new)
            known.taken_up = len(failures)
            known.plan += [int(each.rpartition(".")[2]) for each in new]

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.jobs)))
        before = self.do(stored(self.store, name))
        done = self.do(self.store.jobs.complete(name, at=1))
        assert done == (before.status is JobStatus.COMPLETED or self._is_done(before))

    @staticmethod
    def _is_done(job: object) -> bool:
        return job.status is JobStatus.RUNNING and job.counts.waiting == 0  # type: ignore[attr-defined]

    @rule(count=st.integers(1, 3))
    def archive_some(self, count: int) -> None:
        for keys in self.store.shards:
            for backlog in self.do(self.store.sequences.backlogs(keys)):
                entries = self.do(self.store.sequences.oldest(keys, backlog.name, limit=count))
                if entries:
                    segment = self.do(self.archive.write(backlog.name, entries))
                    assert self.do(self.store.sequences.archived(keys, backlog.name, segment))

    @invariant()
    def everything_agrees(self) -> None:
        if not self.jobs:
            return
        results: dict[str, list[str]] = {}
        places = self._places()
        for name, known in self.jobs.items():
            job = self.do(stored(self.store, name))
            results[name], failures = self.do(outcomes(self.store, name))
            failed = failures[known.taken_up :]
            ended = Counter(results[name]) + Counter(failed)
            assert all(count == 1 for count in ended.values()), f"a pair has ended twice: {ended}"
            assert (job.counts.decided, job.counts.failed) == (len(results[name]), len(failed))
            everything = {f"{name}.{number}" for number in range(known.pairs)}
            if job.status is JobStatus.CANCELED:
                assert job.counts.canceled == known.pairs - ended.total()
                continue
            waiting = Counter({pair: count for pair, count in places.items() if pair in everything})
            waiting += Counter(f"{name}.{number}" for number in known.plan[known.fed :])
            assert waiting + ended == Counter(everything), "a pair is in no place, or in two"
        for tenant in set(TENANTS.values()):
            judged = [pair for name, pairs in results.items() if TENANTS[name] == tenant for pair in pairs]
            assert sorted(self.do(feed(self.store, tenant))) == sorted(judged)

    def _places(self) -> Counter[str]:
        """How often each pair is on its way to a worker: on a ready list, in the stream, or put aside."""
        found = self.do(look(self.store)).waiting_ids()
        for name in self.jobs:
            key = self.store.shards.of(name).ready(name)
            for each in self.do(self.store._pipeline.call("LRANGE", key, 0, -1)):
                found[f"{name}.{each.split(b':')[1].decode()}"] += 1
        return found

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.do(self.store.aclose())
        self.runner.close()


def test_whatever_happens_to_jobs_no_pair_is_lost_or_ends_twice(redis_server: RedisServer) -> None:
    class Machine(JobMachine):
        url = redis_server.url

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
