"""The rules of the adaptive limit, each a row, and the gate that applies them."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.concurrency import SENIORITY, Gate, Pace, after_answer, after_overload, opening


@pytest.mark.parametrize(
    ("asked", "permits", "ceiling"),
    [
        (64, None, 64),
        (64, 128, 64),
        (64, 64, 60),
        (200, 128, 120),
        (64, 4, 3),
        (64, 1, 1),
        (1, 128, 1),
    ],
)
def test_the_limit_opens_at_its_ceiling_with_a_margin_below_the_engines_permits(
    asked: int, permits: int | None, ceiling: int
) -> None:
    assert opening(asked, permits) == Pace(limit=ceiling, ceiling=ceiling)


@pytest.mark.parametrize(
    ("limit", "queued", "becomes"),
    [
        (10.0, None, 10.1),  # no queue time known: grow by one call per ten answers
        (10.0, 0.0, 10.1),
        (10.0, 0.5, 10.1),
        (10.0, 1.0, 10.0),  # the queue is neither short nor long: stay
        (10.0, 2.0, 9.0),  # long: fall a little
        (16.0, 0.0, 16.0),  # at the ceiling
        (15.99, 0.0, 16.0),
        (1.0, 9.0, 1.0),  # never below one
    ],
)
def test_an_answer_moves_the_limit_by_its_time_in_the_engines_queue(
    limit: float, queued: float | None, becomes: float
) -> None:
    moved = after_answer(Pace(limit=limit, ceiling=16), started=1.0, now=2.0, queued=queued)
    assert moved.limit == pytest.approx(becomes)


def test_an_overload_cuts_the_limit_and_never_below_one() -> None:
    pace = Pace(limit=10.0, ceiling=16)
    assert after_overload(pace, started=1.0, now=2.0).limit == pytest.approx(7.0)
    assert after_overload(Pace(limit=1.0, ceiling=16), started=1.0, now=2.0).limit == 1.0


def test_one_burst_of_overloads_cuts_once() -> None:
    pace = Pace(limit=10.0, ceiling=16)
    for tick in range(8):  # all eight were sent at second 1, before the first answer came
        pace = after_overload(pace, started=1.0, now=2.0 + tick / 100)
    assert pace.limit == pytest.approx(7.0)
    assert after_overload(pace, started=2.5, now=3.0).limit == pytest.approx(4.9)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 10)), max_size=200), st.integers(1, 128))
def test_the_limit_stays_between_one_and_its_ceiling(events: list[tuple[bool, float]], ceiling: int) -> None:
    pace = opening(ceiling, None)
    for now, (overloaded, queued) in enumerate(events):
        if overloaded:
            pace = after_overload(pace, started=now, now=now + 0.5)
        else:
            pace = after_answer(pace, started=now, now=now + 0.5, queued=queued)
        assert 1 <= pace.slots <= pace.limit <= ceiling


def test_an_engine_with_sixteen_permits_is_found_from_sixty_four_and_kept_busy() -> None:
    """A round trip at a time: everything above the permits is refused, everything below is served."""
    pace, permits, served = opening(64, None), 16, []
    for round_trip in range(200):
        sent = pace.slots
        answers = [True] * min(sent, permits) + [False] * max(0, sent - permits)
        for good in answers:
            step = after_answer if good else after_overload
            kwargs = {"queued": None} if good else {}
            pace = step(pace, started=round_trip, now=round_trip + 0.5, **kwargs)
        served.append(min(sent, permits))
    assert sum(served[10:]) / (190 * permits) > 0.8


class Crowd:
    """Callers that stay inside the gate until told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[int] = []
        self._names = itertools.count()
        self._leave: dict[int, asyncio.Event] = {}

    def enter(self, *, seniority: int = 0) -> "asyncio.Task[None]":
        SENIORITY.set(seniority)  # the task starts with a copy of this context
        name = next(self._names)
        self._leave[name] = asyncio.Event()
        return asyncio.create_task(self._visit(name))

    def leave(self, name: int) -> None:
        self._leave[name].set()

    async def _visit(self, name: int) -> None:
        async with self.gate:
            self.inside.append(name)
            await self._leave[name].wait()
            self.inside.remove(name)


async def settled() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def finish(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_gate_admits_as_many_as_the_pace_and_the_rest_in_order() -> None:
    crowd = Crowd(Gate(opening(2, None)))
    tasks = [crowd.enter() for _ in range(4)]
    await settled()
    assert crowd.inside == [0, 1]
    crowd.leave(1)
    await settled()
    assert crowd.inside == [0, 2]
    await finish(*tasks)
    assert crowd.gate.in_flight == 0


async def test_the_oldest_pairs_callers_go_first_and_leave_no_hole() -> None:
    crowd = Crowd(Gate(opening(1, None)))
    tasks = [crowd.enter(seniority=pair) for pair in (1, 3, 2, 3, 2)]
    await settled()
    tasks[2].cancel()
    admitted = []
    for _ in range(4):
        await settled()
        admitted += crowd.inside
        crowd.leave(crowd.inside[0])
    assert admitted == [0, 4, 1, 3]
    await finish(*tasks)
    assert crowd.gate.in_flight == 0


async def test_a_lower_pace_holds_back_the_next_and_a_higher_one_lets_them_in() -> None:
    crowd = Crowd(Gate(opening(2, None)))
    tasks = [crowd.enter() for _ in range(4)]
    await settled()
    crowd.gate.adopt(Pace(limit=1.0, ceiling=4))
    crowd.leave(0)
    await settled()
    assert crowd.inside == [1]
    crowd.gate.adopt(Pace(limit=4.0, ceiling=4))
    await settled()
    assert crowd.inside == [1, 2, 3]
    await finish(*tasks)


async def test_a_canceled_waiter_leaves_no_hole_and_takes_no_place() -> None:
    crowd = Crowd(Gate(opening(1, None)))
    tasks = [crowd.enter() for _ in range(3)]
    await settled()
    tasks[1].cancel()
    await settled()
    crowd.leave(0)
    await settled()
    assert crowd.inside == [2]
    await finish(*tasks)
    assert crowd.gate.in_flight == 0


async def test_a_waiter_canceled_in_the_tick_it_is_let_in_passes_its_place_on() -> None:
    crowd = Crowd(Gate(opening(1, None)))
    tasks = [crowd.enter() for _ in range(3)]
    await settled()
    crowd.leave(0)
    crowd.gate.adopt(Pace(limit=2.0, ceiling=2))  # admits 1 now
    tasks[1].cancel()  # before it could run
    await settled()
    assert 2 in crowd.inside
    assert 1 not in crowd.inside
    await finish(*tasks)
    assert crowd.gate.in_flight == 0
