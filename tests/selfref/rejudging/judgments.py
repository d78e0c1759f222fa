"""Judgments as a worker makes them of log-probabilities, for tests."""

from collections.abc import Sequence
from typing import Any, Literal

from selfref.deciding import Scale
from selfref.deciding.strength import log_odds, semantic_perplexity
from selfref.messages import JobResult, OrderReading, Perplexity, Preset, Reference, Usage
from tests.judged import judged

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
    provenance = {"model": model, "parameters": {"votes": 1, "chat_template": "c", **scale.parameters()}}
    judgment = judged(
        readings,
        preset=preset,
        scale=scale,
        provenance=provenance,
        id=f"{job_id}.{line}",
        job_id=job_id,
        custom_id=custom_id,
        reference=Reference(text="It is 4.", source="model"),
        principle="best for humanity",
        usage=Usage(calls=5),
    )
    fields = {name: getattr(judgment, name) for name in type(judgment).model_fields}
    return JobResult.model_validate(fields | {"line": line} | different)
