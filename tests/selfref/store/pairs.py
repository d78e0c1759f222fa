"""Pairs and outcomes for the store's tests: small, valid, and told apart by their ids."""

from selfref.messages import (
    Comparison,
    Failure,
    FailureCode,
    FailureReason,
    Judgment,
    Label,
    Lane,
    Preset,
    Provenance,
    Usage,
    Verdict,
    VoteCounts,
    Work,
    now,
)

RETENTION = 3600.0


def work(judgment_id: str, *, tenant: str = "acme", lane: Lane = Lane.BATCH) -> Work:
    """An accepted pair."""
    return Work(
        id=judgment_id,
        tenant=tenant,
        lane=lane,
        comparison=Comparison(prompt=f"Question {judgment_id}?", answer_a="Yes.", answer_b="No."),
        preset=Preset.SELF_REFERENCE,
        custom_id=f"custom-{judgment_id}",
        job_id="job-1",
        created_at=now(),
    )


def judgment(pair: Work, *, verdict: Verdict = Verdict.A) -> Judgment:
    """How it was judged."""
    return Judgment(
        id=pair.id,
        custom_id=pair.custom_id,
        job_id=pair.job_id,
        created_at=pair.created_at,
        verdict=verdict,
        probability_a=0.75,
        strength=0.5,
        log_odds=1.1,
        position_bias=0.1,
        orders=(),
        votes=VoteCounts(a=2, b=0, tie=0),
        reference=None,
        principle=pair.comparison.principle,
        preset=pair.preset,
        usage=Usage(calls=5),
        provenance=Provenance(engine="stub", model="stub", template="0", method="verdict-token"),
        finished_at=now(),
    )


def failure(pair: Work, *, code: FailureCode = FailureCode.ENGINE_FAILED, attempts: int = 4) -> Failure:
    """How it could not be judged."""
    return Failure(
        id=pair.id,
        custom_id=pair.custom_id,
        job_id=pair.job_id,
        created_at=pair.created_at,
        error=FailureReason(code=code, message="the engine gave up", retryable=True, attempts=attempts),
        finished_at=now(),
    )


def judged(pair: Work, *, verdict: Verdict = Verdict.A) -> tuple[Judgment, Label]:
    """The judgment and the label it makes."""
    outcome = judgment(pair, verdict=verdict)
    return outcome, Label.of(pair, outcome)
