"""Made-up ends of a pair, complete and valid, for every test that needs one and no judge."""

from selfref.messages import (
    Failure,
    FailureCode,
    FailureReason,
    Judgment,
    OrderReading,
    Perplexity,
    Provenance,
    Usage,
    Verdict,
    VoteCounts,
    Work,
    now,
)


def judgment_of(work: Work, *, verdict: Verdict = Verdict.A) -> Judgment:
    """A judgment of this work, with both orders."""
    reading = OrderReading(
        first="A", verdict="A", log_odds_a=2.0, semantic_perplexity=Perplexity(a=1.1, b=8.0), critique="A is kinder."
    )
    return Judgment(
        id=work.id,
        custom_id=work.custom_id,
        job_id=work.job_id,
        created_at=work.created_at,
        verdict=verdict,
        probability_a=0.9,
        strength=0.8,
        log_odds=2.0,
        position_bias=0.1,
        orders=(reading, reading.model_copy(update={"first": "B"})),
        votes=VoteCounts(a=2, b=0, tie=0),
        reference=None,
        principle=work.comparison.principle,
        preset=work.preset,
        flags=work.flags,
        usage=Usage(calls=5, prompt_tokens=1210, completion_tokens=402),
        provenance=Provenance(engine="none", model="none", template="0", method="made"),
        finished_at=now(),
    )


def failure_of(work: Work, code: FailureCode = FailureCode.ENGINE_FAILED, *, retryable: bool = False) -> Failure:
    """A failure of this work, for the given reason."""
    return Failure(
        id=work.id,
        custom_id=work.custom_id,
        job_id=work.job_id,
        created_at=work.created_at,
        error=FailureReason(code=code, message=f"made to fail: {code}", retryable=retryable, attempts=4),
        finished_at=now(),
    )
