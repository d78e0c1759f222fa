"""How a claim ends: judged, failed for good, put off to a later attempt, or handed back. Decisions only, no I/O.

An engine call and a pair are tried again in one place each. `worker.paced` repeats a call that the engine had no room
for or left unanswered. Here it is decided whether the *pair* is tried again: after a failure that another attempt may
mend, up to a number of attempts, with a growing delay. What is not the pair's doing (an engine that is away, an engine
without room) hands the pair back and counts against nothing.
"""

import random
from dataclasses import dataclass

from selfref.messages import Failure, FailureCode, FailureReason, Judgment, now
from selfref.store import Claim
from worker.backoff import Uniform, full_jitter
from worker.errors import JudgingFailed

FIRST_DELAY = 1.0  # seconds, the longest wait before the second attempt; doubled before each further one
LONGEST_DELAY = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Judged:
    """The pair has a judgment, and with it a label."""

    judgment: Judgment


@dataclass(frozen=True, slots=True)
class Failed:
    """The pair is done with, and the reason is stored."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class PutOff:
    """One attempt is used up; the next comes after `delay` seconds."""

    delay: float
    reason: FailureCode


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The pair waits again for whoever is free, with nothing counted against it."""

    reason: FailureCode


Ending = Judged | Failed | PutOff | HandedBack


def after_error(
    error: JudgingFailed, claim: Claim, *, max_attempts: int, uniform: Uniform = random.uniform
) -> Failed | PutOff | HandedBack:
    """What follows from an attempt that ended in this error."""
    if not error.burns_attempt:
        return HandedBack(error.code)
    attempts = claim.attempts + 1
    if error.retryable and attempts < max_attempts:
        delay = full_jitter(claim.attempts, first=FIRST_DELAY, longest=LONGEST_DELAY, uniform=uniform)
        return PutOff(delay, error.code)
    return Failed(_failure(claim, code=error.code, message=str(error), retryable=error.retryable, attempts=attempts))


def after_crashes(claim: Claim, *, max_deliveries: int) -> Failed | None:
    """The end of a pair that went down with one worker after another; None while there is reason to try it."""
    if claim.deliveries <= max_deliveries:
        return None
    message = (
        f"{claim.deliveries - 1} workers took this pair and vanished before it was judged; "
        "read their logs, mend the cause, then replay the dead letter"
    )
    return Failed(
        _failure(claim, code=FailureCode.CRASHED_WORKERS, message=message, retryable=True, attempts=claim.attempts)
    )


def _failure(claim: Claim, *, code: FailureCode, message: str, retryable: bool, attempts: int) -> Failure:
    work = claim.work
    return Failure(
        id=work.id,
        custom_id=work.custom_id,
        job_id=work.job_id,
        created_at=work.created_at,
        error=FailureReason(
            code=code, message=message, retryable=retryable, attempts=attempts, deliveries=claim.deliveries
        ),
        finished_at=now(),
    )
