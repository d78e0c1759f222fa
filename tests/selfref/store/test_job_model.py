"""Jobs in any order of events: after each of them every pair is in exactly one place, and everything agrees (P1-P4)."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable
from contextlib import AsyncExitStack
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

from selfref.messages import Check, JobStatus, Work
from selfref.store import Claim, Store, StoredJob, StoreUnavailable, Taken
from service.archive import SegmentArchive
from tests.redis_server import RedisServer
from tests.selfref.store.jobs import fail, item, judge, outcomes, pair_of, started, stored
from tests.selfref.store.lossy_proxy import LossyProxy
from tests.selfref.store.views import feed, look, whole

T = TypeVar("T")
NAMES = ("job-a", "job-b", "job-c")
TENANTS = {"job-a": "ann", "job-b": "ann", "job-c": "bob"}
CONSUMERS = st.sampled_from(["w1", "w2"])
_archives = itertools.count()


@dataclass
class Job:
    """What the test knows of a job: its pairs and checks, its plan, and which failures are not taken up yet."""

    pairs: int
    checks: int
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
        self.exits = AsyncExitStack()
        self.jobs: dict[str, Job] = {}
        self.deleted: dict[str, list[str]] = {}  # what was judged of each job that is gone

    def do(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.runner.run(wait())

    def act(self, call: Awaitable[T]) -> T:
        """Do something that may be repeated."""
        return self.do(call)

    def take(self, call: Awaitable[list[Claim]]) -> MultipleResults[Claim]:
        """Do something that may not be repeated."""
        return multiple(*self.do(call))

    @initialize()
    def open(self) -> None:
        with Redis.from_url(self.url) as redis:
            redis.flushall()
        self.archive = SegmentArchive(f"memory://model-{next(_archives)}")
        self.store = self.do(self.connect())
        self.upload("job-a", pairs=3, checks=1)
        self.feed_next("job-a", count=4, late=False)

    async def connect(self) -> Store:
        return await Store.open(self.url, archive=self.archive)

    @rule(name=st.sampled_from(NAMES), pairs=st.integers(1, 6), checks=st.integers(0, 2))
    def upload(self, name: str, pairs: int, checks: int) -> None:
        if name in self.deleted:
            known = self.act(
                self.store.jobs.register(name, tenant=TENANTS[name], manifest=b"", fingerprint=name, created=1)
            )
            assert known == Taken(fingerprint=None, tenant=None)
        elif name not in self.jobs:
            self.act(started(self.store, name, pairs, tenant=TENANTS[name], checks=checks))
            self.jobs[name] = Job(pairs, checks, list(reversed(range(pairs + checks))))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), count=st.integers(1, 8), late=st.booleans())
    def feed_some(self, data: st.DataObject, count: int, late: bool) -> None:
        self.feed_next(data.draw(st.sampled_from(sorted(self.jobs))), count=count, late=late)

    def feed_next(self, name: str, *, count: int, late: bool) -> None:
        known, job = self.jobs[name], self.do(stored(self.store, name))
        start = max(0, known.fed - 1) if late else known.fed
        numbers = known.plan[start : start + count]
        items = [item(self._pair(name, number)) for number in numbers]
        place = self.act(self.store.jobs.enqueue(job, items, after=start, through=start + len(items)))
        if job.status is not JobStatus.RUNNING:
            assert place is None
        elif start != known.fed:
            assert place == known.fed, "a keeper that is late feeds nothing"
        else:
            known.fed += len(items)

    def _pair(self, name: str, number: int) -> Work:
        check = Check(kind="gold", better="A") if number >= self.jobs[name].pairs else None
        return pair_of(name, number, tenant=TENANTS[name], check=check)

    @rule(target=claims, consumer=CONSUMERS, count=st.integers(1, 4))
    def claim(self, consumer: str, count: int) -> MultipleResults[Claim]:
        return self.take(self.store.work.claim(consumer, count=count, wait=0))

    @rule(target=claims, consumer=CONSUMERS)
    def take_over(self, consumer: str) -> MultipleResults[Claim]:
        return self.take(self.store.work.reclaim(consumer, lease=0.0, count=3))

    @rule(claim=claims)
    def judge_it(self, claim: Claim) -> None:
        self.act(judge(self.store, claim))

    @rule(claim=claims)
    def fail_it(self, claim: Claim) -> None:
        self.act(fail(self.store, claim))

    @rule(claim=claims)
    def put_it_off(self, claim: Claim) -> None:
        self.act(self.store.work.retry_later(claim, delay=0.0, reason="engine_failed"))

    @rule(claim=claims)
    def hand_it_back(self, claim: Claim) -> None:
        self.act(self.store.work.hand_back([claim]))

    @rule(claim=claims)
    def renew_it(self, claim: Claim) -> None:
        self.act(self.store.work.renew([claim]))

    @rule()
    def promote(self) -> None:
        self.act(self.store.work.promote())

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.jobs)))
        self.act(self.store.jobs.cancel(name, tenant=TENANTS[name], at=1))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.jobs)))
        _, failures = self.do(outcomes(self.store, name))
        taken = self.act(self.store.jobs.retry(name, tenant=TENANTS[name]))
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
        done = self.act(self.store.jobs.complete(name, at=1))
        assert done == (before.status is JobStatus.COMPLETED or self._is_done(before))

    @staticmethod
    def _is_done(job: StoredJob) -> bool:
        return job.status is JobStatus.RUNNING and job.counts.waiting == 0 and job.checks_ended == job.checks

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.jobs)))
        before, (results, _) = self.do(stored(self.store, name)), self.do(outcomes(self.store, name))
        assert self.act(self.store.jobs.delete(name, tenant=TENANTS[name])) == before.status.ended
        if before.status.ended:
            del self.jobs[name]
            self.deleted[name] = results

    @rule(count=st.integers(1, 3))
    def archive_some(self, count: int) -> None:
        for keys in self.store.shards:
            for backlog in self.do(self.store.sequences.backlogs(keys)):
                entries = self.do(self.store.sequences.oldest(keys, backlog.name, limit=count))
                if entries:
                    segment = self.do(self.archive.write(backlog.name, entries))
                    assert self.act(self.store.sequences.archived(keys, backlog.name, segment))

    @invariant()
    def everything_agrees(self) -> None:
        results = dict(self.deleted)
        places = self._places()
        for name, known in self.jobs.items():
            job = self.do(stored(self.store, name))
            results[name], failures = self.do(outcomes(self.store, name))
            failed = failures[known.taken_up :]
            checked = [f"{name}.{field.removeprefix('gold:')}" for field in self.do(self.store.jobs.checks(name))]
            ended = Counter(results[name]) + Counter(failed) + Counter(checked)
            assert all(count == 1 for count in ended.values()), f"a pair has ended twice: {ended}"
            assert (job.counts.decided, job.counts.failed) == (len(results[name]), len(failed))
            assert (job.counts.submitted, job.checks, job.checks_ended) == (known.pairs, known.checks, len(checked))
            everything = {f"{name}.{number}" for number in range(known.pairs + known.checks)}
            if job.status is JobStatus.CANCELED:
                assert job.counts.canceled == known.pairs - len(results[name]) - len(failed)
                continue
            waiting = Counter({pair: count for pair, count in places.items() if pair in everything})
            waiting += Counter(f"{name}.{number}" for number in known.plan[known.fed :])
            assert waiting + ended == Counter(everything), "a pair is in no place, or in two"
        for tenant in set(TENANTS.values()):
            judged = [pair for name, pairs in results.items() if TENANTS[name] == tenant for pair in pairs]
            assert sorted(self.do(feed(self.store, tenant))) == sorted(judged)
            assert self.do(whole(self.store, tenant)).judged == len(judged)

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
        self.do(self.exits.aclose())
        self.runner.close()


class UnluckyJobMachine(JobMachine):
    """The same, where every other reply to a repeatable call is lost once, and some claims with the pairs in them."""

    port: int

    async def connect(self) -> Store:
        self.fate = itertools.cycle([0, 1, 0, 1, 1])
        self.proxy = await self.exits.enter_async_context(LossyProxy(self.port).running())
        return await Store.open(self.proxy.url, archive=self.archive)

    def act(self, call: Awaitable[T]) -> T:
        self.proxy.losing = next(self.fate)
        done = self.do(call)
        self.proxy.losing = 0
        return done

    def take(self, call: Awaitable[list[Claim]]) -> MultipleResults[Claim]:
        try:
            return multiple(*self.act(call))
        except StoreUnavailable:
            return multiple()
        finally:
            self.proxy.losing = 0


def test_whatever_happens_to_jobs_no_pair_is_lost_or_ends_twice(redis_server: RedisServer) -> None:
    machine = type("Machine", (JobMachine,), {"url": redis_server.url})
    run_state_machine_as_test(machine, settings=_settings(examples=40, steps=30))


def test_nor_where_replies_are_lost(redis_server: RedisServer) -> None:
    machine = type("Machine", (UnluckyJobMachine,), {"url": redis_server.url, "port": redis_server.port})
    run_state_machine_as_test(machine, settings=_settings(examples=6, steps=25))


def _settings(*, examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
