"""What each failure means for its claim, a row each."""

import pytest

from selfref.messages import Comparison, FailureCode, Lane, Preset, Work, now
from selfref.store import Claim
from worker.endings import Failed, HandedBack, PutOff, after_crashes, after_error
from worker.errors import (
    EngineFailed,
    EngineOverloaded,
    EngineRejected,
    EngineUnavailable,
    JudgingFailed,
    MarkersInModelText,
    TooLong,
    UnreadableVerdict,
)


def claim(*, attempts: int = 0, deliveries: int = 1) -> Claim:
    work = Work(
        id="j1",
        tenant="t",
        lane=Lane.INTERACTIVE,
        comparison=Comparison(prompt="?", answer_a="a", answer_b="b"),
        preset=Preset.DIRECT,
        custom_id="mine",
        job_id="job",
        created_at=now(),
    )
    return Claim(
        work=work,
        lane=work.lane,
        shard=0,
        entry_id="1-0",
        consumer="c",
        attempts=attempts,
        deliveries=deliveries,
    )


def longest(_: float, most: float) -> float:
    """A die that always falls on the highest number."""
    return most


MENDABLE = [EngineUnavailable("no answer"), EngineFailed("424"), UnreadableVerdict("neither label")]
FINAL = [
    EngineRejected("422"),
    TooLong(needed=9, limit=8, parts={"prompt": 9}),
    MarkersInModelText(marker="[INST]", where="critique"),
]


@pytest.mark.parametrize("error", MENDABLE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("attempts", "delay"), [(0, 1.0), (1, 2.0), (2, 4.0)])
def test_what_another_attempt_may_mend_is_put_off_for_longer_each_time(
    error: JudgingFailed, attempts: int, delay: float
) -> None:
    ending = after_error(error, claim(attempts=attempts), max_attempts=4, uniform=longest)
    assert ending == PutOff(delay, error.code)


def test_no_delay_is_longer_than_a_minute() -> None:
    ending = after_error(EngineFailed("424"), claim(attempts=60), max_attempts=100, uniform=longest)
    assert ending == PutOff(60.0, FailureCode.ENGINE_FAILED)


@pytest.mark.parametrize("error", MENDABLE, ids=lambda error: type(error).__name__)
def test_the_last_attempt_fails_with_its_own_reason(error: JudgingFailed) -> None:
    ending = after_error(error, claim(attempts=3), max_attempts=4)
    assert isinstance(ending, Failed)
    reason = ending.failure.error
    assert (reason.code, reason.message, reason.attempts, reason.retryable) == (error.code, str(error), 4, True)


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
def test_what_no_attempt_can_mend_fails_at_once(error: JudgingFailed) -> None:
    ending = after_error(error, claim(), max_attempts=4)
    assert isinstance(ending, Failed)
    failure = ending.failure
    assert (failure.id, failure.custom_id, failure.job_id) == ("j1", "mine", "job")
    assert (failure.error.code, failure.error.attempts, failure.error.retryable) == (error.code, 1, False)


def test_an_engine_without_room_burns_no_attempt_even_the_last() -> None:
    ending = after_error(EngineOverloaded("429"), claim(attempts=3), max_attempts=4)
    assert ending == HandedBack(FailureCode.ENGINE_UNAVAILABLE)


@pytest.mark.parametrize("deliveries", [1, 5])
def test_a_pair_within_its_deliveries_is_judged(deliveries: int) -> None:
    assert after_crashes(claim(deliveries=deliveries), max_deliveries=5) is None


def test_a_pair_that_outlived_too_many_workers_fails_as_that() -> None:
    ending = after_crashes(claim(attempts=2, deliveries=6), max_deliveries=5)
    assert ending is not None
    reason = ending.failure.error
    assert (reason.code, reason.attempts, reason.deliveries) == (FailureCode.CRASHED_WORKERS, 2, 6)
    assert "5 workers" in reason.message
