"""Works, judgments and labels in the sizes of real ones, for what is measured without an engine."""

import random
from math import exp
from pathlib import Path
from statistics import mean

import orjson

from selfref.bench.jobs.lines import prose
from selfref.messages import (
    Comparison,
    Judgment,
    Label,
    Lane,
    OrderReading,
    Perplexity,
    Preset,
    Provenance,
    Reference,
    Usage,
    Verdict,
    VoteCounts,
    Work,
    now,
)

_CRITIQUE, _REFERENCE = 900, 400  # characters
_PROVENANCE = Provenance(
    engine="text-generation-inference",
    engine_version="3.3.7",
    model="an-organisation/a-chat-model-of-13b",
    revision="0123456789abcdef0123456789abcdef01234567",
    dtype="bfloat16",
    template="0123456789abcdef",
    method="verdict-token",
    parameters={"critique_tokens": 512, "reference_tokens": 512, "tie_width": 0.1, "label_ids": [319, 350]},
)


def works(lines: Path, *, job_id: str | None, lane: Lane) -> list[Work]:
    """A work for each line of an upload."""
    with lines.open("rb") as file:
        return [_work(orjson.loads(line), number, job_id=job_id, lane=lane) for number, line in enumerate(file)]


def judged(work: Work) -> tuple[Judgment, Label]:
    """A judgment of some 3 kB in prose and numbers of its own, and the label that it makes.

    No two share them: Lua looks every string up among those it has, and what repeats packs better than it should.
    """
    drawn = random.Random(work.id)  # noqa: S311 - texts, not secrets
    reference, first, second = _texts(drawn, _REFERENCE, _CRITIQUE, _CRITIQUE)
    forward, backward = _reading("A", drawn.uniform(1, 4), first), _reading("B", drawn.uniform(1, 4), second)
    odds = mean([forward.log_odds_a or 0.0, backward.log_odds_a or 0.0])
    probability = 1 / (1 + exp(-odds))
    judgment = Judgment(
        id=work.id,
        custom_id=work.custom_id,
        job_id=work.job_id,
        created_at=work.created_at,
        verdict=Verdict.A,
        probability_a=probability,
        strength=2 * probability - 1,
        log_odds=odds,
        position_bias=drawn.uniform(-1, 1),
        orders=(forward, backward),
        votes=VoteCounts(a=2, b=0, tie=0),
        reference=Reference(text=reference, source="model"),
        principle=work.comparison.principle,
        preset=work.preset,
        usage=Usage(calls=5, prompt_tokens=2400, completion_tokens=620),
        provenance=_PROVENANCE,
        finished_at=now(),
    )
    return judgment, Label.of(work.comparison, judgment)


def _work(line: dict[str, str], number: int, *, job_id: str | None, lane: Lane) -> Work:
    return Work(
        id=f"{job_id or 'pair'}.{number}",
        tenant="default",
        lane=lane,
        comparison=Comparison.model_validate(line),
        preset=Preset.SELF_REFERENCE,
        job_id=job_id,
        created_at=now(),
    )


def _reading(first: str, log_odds: float, critique: str) -> OrderReading:
    return OrderReading.model_validate(
        {
            "first": first,
            "verdict": "A",
            "log_odds_a": log_odds,
            "semantic_perplexity": Perplexity(a=1 + exp(-log_odds), b=1 + exp(log_odds)),
            "label_mass": 1 - exp(-2 * log_odds),
            "critique": critique,
        }
    )


def _texts(drawn: random.Random, *lengths: int) -> list[str]:
    text = prose()
    return [text[at : at + length] for length in lengths for at in (drawn.randrange(len(text) - length),)]
