"""The claim loop on a real Redis with a judge that does as it is told: every ending, and every way to lose a claim."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from selfref.messages import FailureCode, Judgment, Lane, Work
from selfref.store import Store
from tests.worker.judging import (
    TENANT,
    HonestJudge,
    ended,
    eventually,
    judgment,
    label_ids,
    labels,
    submit,
    until_ended,
)
from tests.worker.test_paced import PROMPT, SmallEngine
from worker.attempt import MOST_REMEMBERED, Attempts
from worker.circuit import Circuit
from worker.concurrency import Gate, opening
from worker.engines.protocol import Sampling
from worker.errors import (
    EngineFailed,
    EngineMisconfigured,
    EngineOverloaded,
    EngineRejected,
    EngineUnavailable,
    EngineUnsuitable,
    UnreadableVerdict,
)
from worker.loop import ClaimLoop
from worker.paced import PacedEngine
from worker.terms import Terms

MODEL = "a-model"
TERMS = Terms(consumer="c", concurrency=8, lease=30.0, max_attempts=4, max_deliveries=5, retention=3600.0)
_consumers = itertools.count()


class Switch:
    """The probe of an engine that can be away, or no judge any more."""

    def __init__(self) -> None:
        self.on = True
        self.unsuitable = False

    async def __call__(self) -> None:
        if not self.on:
            raise EngineUnavailable("connection refused")
        if self.unsuitable:
            raise EngineUnsuitable("another key is needed")


@pytest.fixture
async def judge() -> HonestJudge:
    return HonestJudge()


@pytest.fixture
async def engine() -> Switch:
    return Switch()


def make_loop(store: Store, judge: HonestJudge, engine: Switch | None = None, **terms: Any) -> ClaimLoop:
    """A loop under a name of its own."""
    agreed = replace(TERMS, consumer=f"c{next(_consumers)}", **terms)
    circuit = Circuit(engine or Switch())
    attempts = Attempts(store=store, judge=judge, model=MODEL, circuit=circuit, terms=agreed)
    gate = Gate(opening(agreed.concurrency, None))
    return ClaimLoop(store=store, attempts=attempts, gate=gate, circuit=circuit, terms=agreed)


@asynccontextmanager
async def running(loop: ClaimLoop) -> AsyncIterator[None]:
    task = asyncio.create_task(loop.run())
    yield
    loop.stop()
    async with asyncio.timeout(10):
        await task


async def test_pairs_of_both_lanes_end_judged_with_one_label_each(store: Store, judge: HonestJudge) -> None:
    ids = await submit(store, 30) + await submit(store, 30, lane=Lane.BATCH)
    async with running(make_loop(store, judge)):
        counts = await until_ended(store, 60)
    assert (counts.decided, counts.failed, counts.waiting) == (60, 0, 0)
    assert sorted(await label_ids(store)) == sorted(ids)
    assert isinstance(await ended(store, ids[0]), Judgment)
    assert {label.id: label.chosen for label in await labels(store)} == dict.fromkeys(ids, "GOOD")
    assert sorted(judge.begun) == sorted(ids)


async def test_no_more_pairs_are_held_than_agreed(store: Store, judge: HonestJudge) -> None:
    await submit(store, 30)
    judge.go.clear()
    async with running(make_loop(store, judge, concurrency=5)):
        await eventually(lambda: len(judge.begun) == 5)
        with pytest.raises(AssertionError):
            await eventually(lambda: len(judge.begun) > 5, within=0.3)
        judge.go.set()
        assert (await until_ended(store, 30)).decided == 30


@pytest.mark.parametrize(("at_once", "seconds"), [(2, 0.1), (8, 0.04)])
async def test_pairs_of_many_calls_end_one_after_another_and_keep_the_engine_full(
    store: Store, at_once: int, seconds: float
) -> None:
    """Two calls at once, twice, is the default preset; eight is `votes: 4`. In turn of arrival, none ended for long."""
    small, held = SmallEngine(places=64, seconds=seconds), 64
    gate, circuit = Gate(opening(held, None)), Circuit(Switch())
    engine = PacedEngine(small, gate=gate, circuit=circuit)
    served: list[int] = []  # calls answered when each pair was judged
    in_flight: list[int] = []  # after each answer, its place being taken by the next

    async def call() -> None:
        await engine.generate(PROMPT, sampling=Sampling(), max_new_tokens=8)
        in_flight.append(gate.in_flight)

    async def judged(pair: Work) -> Judgment:
        for _ in range(2):
            await asyncio.gather(*(call() for _ in range(at_once)))
        served.append(small.served)
        return judgment(pair)

    terms = replace(TERMS, consumer=f"c{next(_consumers)}", concurrency=held)
    attempts = Attempts(store=store, judge=judged, model=MODEL, circuit=circuit, terms=terms)
    await submit(store, 3 * held)
    async with running(ClaimLoop(store=store, attempts=attempts, gate=gate, circuit=circuit, terms=terms)):
        assert (await until_ended(store, 3 * held)).decided == 3 * held
    assert served[0] < 4 * held  # eight at once, in turn of arrival: nine times
    untroubled = in_flight[held : len(in_flight) // 2]  # neither opening nor running out of pairs
    assert sum(untroubled) / len(untroubled) >= 0.95 * held
    assert small.most_inside == held


async def test_the_outages_of_pairs_that_others_end_are_not_kept_for_ever(store: Store, engine: Switch) -> None:
    engine.on = False
    circuit = Circuit(engine)
    judge = HonestJudge()
    attempts = Attempts(store=store, judge=judge, model=MODEL, circuit=circuit, terms=TERMS)
    await submit(store, 1)
    (claim,) = await store.work.claim("c", count=1, wait=0)
    for number in range(MOST_REMEMBERED + 5):
        work = claim.work.model_copy(update={"id": f"other-{number}"})
        judge.fails(work.id, EngineUnavailable("refused"), times=1)
        await attempts.ending(replace(claim, work=work))
    assert attempts.remembered == MOST_REMEMBERED


async def test_a_final_failure_ends_the_pair_with_its_reason_and_no_label(store: Store, judge: HonestJudge) -> None:
    bad, good = await submit(store, 2)
    judge.fails(bad, EngineRejected("Input validation error"), times=9)
    async with running(make_loop(store, judge)):
        await until_ended(store, 2)
    failure = await ended(store, bad)
    assert (failure.error.code, failure.error.attempts) == (FailureCode.ENGINE_REJECTED, 1)
    assert await label_ids(store) == [good]
    assert [letter.id for letter in await store.dead_letters.list(10, None)] == [bad]


async def test_a_passing_failure_is_tried_again_and_judged(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.fails(pair, UnreadableVerdict("neither label"), times=2)
    async with running(make_loop(store, judge)):
        counts = await until_ended(store, 1)
    assert (counts.decided, counts.failed) == (1, 0)
    assert judge.begun == [pair] * 3


async def test_a_lasting_failure_ends_after_its_attempts(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.fails(pair, EngineFailed("CUDA out of memory"), times=9)
    async with running(make_loop(store, judge, max_attempts=2)):
        await until_ended(store, 1)
    failure = await ended(store, pair)
    assert (failure.error.code, failure.error.attempts) == (FailureCode.ENGINE_FAILED, 2)
    assert failure.error.message == "CUDA out of memory"
    assert judge.begun == [pair] * 2
    assert await label_ids(store) == []


async def test_overload_burns_no_attempt(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.fails(pair, EngineOverloaded("Model is overloaded"), times=7)
    async with running(make_loop(store, judge, max_attempts=1, max_deliveries=1)):
        counts = await until_ended(store, 1)
    assert (counts.decided, counts.failed) == (1, 0)


async def test_while_the_engine_is_away_nothing_is_claimed_and_no_attempt_is_burnt(
    store: Store, judge: HonestJudge, engine: Switch
) -> None:
    ids = await submit(store, 4)
    engine.on = False
    for pair in ids:
        judge.fails(pair, EngineUnavailable("connection refused"), times=1)
    async with running(make_loop(store, judge, engine, max_attempts=1, max_deliveries=1, concurrency=4)):
        await eventually(lambda: not any(judge.plan[pair] for pair in ids))
        begun = len(judge.begun)
        with pytest.raises(AssertionError):
            await eventually(lambda: len(judge.begun) > begun, within=1.0)
        engine.on = True
        counts = await until_ended(store, 4)
    assert (counts.decided, counts.failed) == (4, 0)


async def test_an_engine_that_shuts_the_worker_out_costs_no_pair_anything(
    store: Store, judge: HonestJudge, engine: Switch
) -> None:
    engine.unsuitable = True
    ids = await submit(store, 6)
    for pair in ids:
        judge.fails(pair, EngineMisconfigured("engine answered 401"), times=9)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(make_loop(store, judge, engine, max_attempts=1).run(), 10)
    assert caught.group_contains(EngineUnsuitable)
    claims = await store.work.claim("next", count=10, wait=0)
    assert sorted(claim.work.id for claim in claims) == sorted(ids)
    assert {(claim.attempts, claim.deliveries) for claim in claims} == {(0, 1)}


async def test_an_engine_that_let_the_worker_in_again_judges(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.fails(pair, EngineMisconfigured("engine answered 404"), times=3)
    async with running(make_loop(store, judge, max_attempts=1)):
        assert (await until_ended(store, 1)).decided == 1


async def test_a_pair_that_alone_is_always_shut_out_ends(store: Store, judge: HonestJudge) -> None:
    """A proxy that dislikes a text answers 403 for ever, while the engine passes every self-test."""
    (pair,) = await submit(store, 1)
    judge.fails(pair, EngineMisconfigured("engine answered 403"), times=99)
    async with running(make_loop(store, judge, max_attempts=1)):
        await until_ended(store, 1)
    assert (await ended(store, pair)).error.code is FailureCode.ENGINE_REJECTED
    assert len(judge.begun) == 6


async def test_an_engine_found_unsuitable_by_a_pairs_own_call_is_not_the_pairs_fault(
    store: Store, judge: HonestJudge
) -> None:
    (pair,) = await submit(store, 1)
    judge.fails(pair, EngineUnsuitable("another model"), times=1)
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(make_loop(store, judge).run(), 10)
    await (
        store.work.retire()
    )  # as a process does that ends: the loop's last claim, still waiting, may have got the pair
    (claim,) = await store.work.claim("next", count=1, wait=0)
    assert (claim.attempts, claim.deliveries) == (0, 1)


async def test_one_dropped_call_of_an_engine_that_is_there_is_an_attempt(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.fails(pair, EngineUnavailable("502"), times=9)
    async with running(make_loop(store, judge, max_attempts=1)):
        await until_ended(store, 1)
    failure = await ended(store, pair)
    assert (failure.error.code, failure.error.attempts) == (FailureCode.ENGINE_UNAVAILABLE, 1)


async def test_a_pair_that_takes_the_engine_down_each_time_ends(store: Store, engine: Switch) -> None:
    class Poison(HonestJudge):
        async def __call__(self, pair: Any) -> Judgment:
            self.begun.append(pair.id)
            engine.on = False
            asyncio.get_running_loop().call_later(0.3, setattr, engine, "on", True)  # it is started again
            raise EngineUnavailable("connection reset")

    judge = Poison()
    (pair,) = await submit(store, 1)
    async with running(make_loop(store, judge, engine, max_attempts=1)):
        await until_ended(store, 1)
    assert (await ended(store, pair)).error.code is FailureCode.ENGINE_UNAVAILABLE
    assert len(judge.begun) == 6


async def test_a_pair_whose_workers_keep_vanishing_fails_as_that(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    (claim,) = await store.work.claim("ghost", count=1, wait=0)
    assert claim.deliveries == 1
    async with running(make_loop(store, judge, lease=0.5, max_deliveries=1)):
        await until_ended(store, 1)
    failure = await ended(store, pair)
    assert (failure.error.code, failure.error.deliveries) == (FailureCode.CRASHED_WORKERS, 2)
    assert judge.begun == []


async def test_a_vanished_workers_pairs_are_taken_over_within_a_lease_and_a_fifth(
    store: Store, judge: HonestJudge
) -> None:
    ids = await submit(store, 8)
    assert len(await store.work.claim("ghost", count=8, wait=0)) == 8
    vanished = time.monotonic()
    async with running(make_loop(store, judge, lease=2.0)):
        await eventually(lambda: len(judge.begun) == 8)
        assert 1.9 < time.monotonic() - vanished < 2.4
        counts = await until_ended(store, 8)
    assert counts.decided == 8
    assert sorted(await label_ids(store)) == sorted(ids)


async def test_a_busy_worker_still_takes_over_what_was_left_behind(store: Store, judge: HonestJudge) -> None:
    (left,) = await submit(store, 1)
    await store.work.claim("ghost", count=1, wait=0)
    judge.seconds = 0.05
    judge.stuck.add((await submit(store, 600))[0])  # so that not all places are ever free at once
    async with running(make_loop(store, judge, lease=0.5, concurrency=4)):
        await eventually(lambda: left in judge.begun)
        assert (await store.judgments.counts(TENANT)).waiting > 100


async def test_a_held_pair_is_renewed_for_as_long_as_it_takes(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.go.clear()
    async with running(make_loop(store, judge, lease=0.5)):
        await eventually(lambda: judge.begun)
        leases_later = time.monotonic() + 1.5
        while time.monotonic() < leases_later:
            assert await store.work.reclaim("thief", lease=0.5, count=1) == []
            await asyncio.sleep(0.05)
        judge.go.set()
        await until_ended(store, 1)
    assert judge.begun == [pair]


async def test_a_canceled_pair_is_no_longer_judged_two_seconds_later(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.go.clear()
    async with running(make_loop(store, judge)):
        await eventually(lambda: judge.begun)
        assert await store.judgments.cancel(pair)
        await eventually(lambda: judge.given_up == [pair], within=2.0)
    assert (await store.judgments.counts(TENANT)).canceled == 1
    assert await label_ids(store) == []


async def test_a_pair_that_another_worker_took_over_is_let_go(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.go.clear()
    async with running(make_loop(store, judge)):
        await eventually(lambda: judge.begun)
        assert await store.work.reclaim("thief", lease=0.0, count=1)
        await eventually(lambda: judge.given_up == [pair], within=2.0)


async def test_a_pair_whose_judging_was_canceled_by_nobody_is_judged_again(store: Store, judge: HonestJudge) -> None:
    (pair,) = await submit(store, 1)
    judge.fails(pair, asyncio.CancelledError(), times=1)
    async with running(make_loop(store, judge, lease=0.5)):
        counts = await until_ended(store, 1)
    assert counts.decided == 1
    assert judge.begun == [pair, pair]
    assert await label_ids(store) == [pair]


async def test_stopping_hands_back_at_once_with_nothing_counted(store: Store, judge: HonestJudge) -> None:
    ids = await submit(store, 6)
    judge.go.clear()
    async with running(make_loop(store, judge)):
        await eventually(lambda: len(judge.begun) == 6)
    assert sorted(judge.given_up) == sorted(ids)
    claims = await store.work.claim("next", count=10, wait=0)
    assert sorted(claim.work.id for claim in claims) == sorted(ids)
    assert {(claim.attempts, claim.deliveries) for claim in claims} == {(0, 1)}


async def test_an_idle_worker_stops_without_waiting_for_work(store: Store, judge: HonestJudge) -> None:
    await submit(store, 1)
    async with running(make_loop(store, judge)):
        await until_ended(store, 1)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 0.5


async def test_a_worker_stops_while_its_engine_is_away(store: Store, judge: HonestJudge, engine: Switch) -> None:
    engine.on = False
    (pair,) = await submit(store, 1)
    judge.fails(pair, EngineUnavailable("connection refused"), times=1)
    async with running(make_loop(store, judge, engine)):
        await eventually(lambda: judge.begun and not judge.plan[pair])
    claims = await store.work.claim("next", count=10, wait=0)
    assert [claim.work.id for claim in claims] == [pair]


async def test_a_bug_ends_the_loop_and_takes_only_the_guilty_pair_with_it(store: Store, judge: HonestJudge) -> None:
    ids = await submit(store, 6)
    guilty, innocent = ids[3], {*ids} - {ids[3]}
    judge.fails(guilty, ZeroDivisionError("a bug"), times=1)
    judge.go.clear()
    dying = asyncio.create_task(make_loop(store, judge).run())
    await eventually(lambda: len(judge.begun) == 6)
    judge.stuck |= innocent
    judge.go.set()
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(dying, 10)
    assert caught.group_contains(ZeroDivisionError)
    claims = await store.work.claim("next", count=10, wait=0)
    assert {claim.work.id for claim in claims} == innocent
    assert {claim.deliveries for claim in claims} == {1}
    redelivered = await store.work.reclaim("third", lease=0.0, count=10)
    assert {claim.work.id: claim.deliveries for claim in redelivered}[guilty] == 2
