"""Pairs and outcomes for the store's tests: small, valid, and told apart by their ids."""

from selfref.messages import Comparison, Judgment, Label, Lane, Preset, Verdict, Work, now
from tests.outcomes import judgment_of

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
        created_at=now(),
    )


def judged(pair: Work, *, verdict: Verdict = Verdict.A) -> tuple[Judgment, Label]:
    """The judgment and the label it makes."""
    outcome = judgment_of(pair, verdict=verdict)
    return outcome, Label.of(pair.comparison, outcome)
