"""A minute of chaos, always the same one; `make chaos` runs others for as long as one likes."""

import pytest

from tests.chaos.run import Plan, outcomes
from tests.chaos.schedule import Kind, schedule

SEED, SCHEDULES = 3000, 3
SECONDS = 8.0


def test_the_seed_is_the_schedule() -> None:
    assert schedule(SEED, SECONDS) == schedule(SEED, SECONDS) != schedule(SEED + 1, SECONDS)
    assert {event.kind for seed in range(40) for event in schedule(seed, SECONDS)} == set(Kind)
    assert all(event.at + event.seconds <= SECONDS for seed in range(40) for event in schedule(seed, SECONDS))


@pytest.mark.timeout(400)
async def test_no_promise_is_broken_in_a_minute_of_chaos() -> None:
    run = 0
    async for outcome in outcomes(Plan(seed=SEED, minutes=float("inf"), schedules=SCHEDULES, seconds=SECONDS)):
        run += 1
        assert not outcome.violations, "\n".join(map(str, [*outcome.events, *outcome.violations]))
        assert outcome.final.pairs or outcome.final.jobs, "nothing was asked of the service"
    assert run == SCHEDULES
