"""Judgments as a worker makes them of log-probabilities, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from selfref.deciding import Scale, decide
from selfref.deciding.strength import log_odds, semantic_perplexity
from selfref.messages import (
    ODDS_OPPOSE_VOTES,
    JobResult,
    OrderReading,
    Perplexity,
    Preset,
    Provenance,
    Reference,
    Usage,
)

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
Said = tuple[float, float]  # log-probabilities of the labels of A and of B


def reading(first: Literal["A", "B"], said: Said | None, *, critique: str = "It is right.") -> OrderReading:
    """One order's reading; None: an engine without log-probabilities, which says A."""
    if said is None:
        return OrderReading(first=first, verdict="A", log_odds_a=None, semantic_perplexity=None, critique=critique)
    a, b = said
    return OrderReading(
        first=first,
        verdict="A" if a >= b else "B",
        log_odds_a=log_odds([a], [b]),
        semantic_perplexity=Perplexity(a=semantic_perplexity([a]), b=semantic_perplexity([b])),
        critique=critique,
    )


def result(
    line: int = 1,
    *,
    a_first: Sequence[Said | None] = ((-0.1, -3.0),),
    b_first: Sequence[Said | None] = ((-0.2, -2.0),),
    scale: Scale | None = None,
    preset: Preset = Preset.SELF_REFERENCE,
    custom_id: str | None = "c1",
    job_id: str = "job-1",
    model: str = "m",
    critique: str = "It is right.",
    **different: Any,
) -> JobResult:
    """A line of a job's results; without readings its answers are one text."""
    scale = scale or Scale()
    readings = [reading("A", each, critique=critique) for each in a_first]
    readings += [reading("B", each, critique=critique) for each in b_first]
    decision = decide(preset, readings, scale=scale)
    return JobResult.model_validate(
        {
            "line": line,
            "id": f"{job_id}.{line}",
            "job_id": job_id,
            "custom_id": custom_id,
            "created_at": MOMENT,
            "finished_at": MOMENT,
            "verdict": decision.verdict,
            "probability_a": decision.probability_a,
            "strength": decision.strength,
            "log_odds": decision.log_odds,
            "position_bias": decision.position_bias,
            "orders": decision.readings,
            "votes": decision.votes,
            "flags": [ODDS_OPPOSE_VOTES] if decision.odds_oppose else [],
            "reference": Reference(text="It is 4.", source="model"),
            "principle": "best for humanity",
            "preset": preset,
            "usage": Usage(calls=5),
            "provenance": Provenance(
                engine="tgi",
                model=model,
                template="t",
                method="verdict-token",
                parameters={"votes": 1, "chat_template": "c", **scale.parameters()},
                calibration=scale.calibration,
            ),
        }
        | different
    )
