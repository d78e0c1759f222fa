"""From what was heard in every round to the judgment that leaves the worker; no I/O.

An engine shows two positions, a judgment speaks of the caller's own A and B: the turn from one to the other happens
here, once, in `_odds_of_a` and `_chosen`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from selfref.deciding import Decision, decide
from selfref.deciding.strength import log_odds, semantic_perplexity
from selfref.messages import (
    ESCAPED_MARKERS,
    ODDS_OPPOSE_VOTES,
    Judgment,
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
from worker.engines.protocol import Description, Generation, LabelChoice, LabelLogProbs
from worker.method_settings import MethodSettings
from worker.plan import Round, hottest

MUCH_MASS = 0.5  # of the next token's probability; below, the model wanted to say something else than a label


@dataclass(frozen=True, slots=True)
class Heard:
    """One round as it went."""

    round: Round
    reference: Reference | None
    reference_cut: bool
    critique: Generation
    reading: LabelLogProbs | LabelChoice
    escaped: bool = False  # a text of the model's own was rewritten


def identical_answers(work: Work, *, engine: Description, settings: MethodSettings) -> Judgment:
    """The judgment of two answers that are the same text: a tie, with no call made."""
    none_heard = VoteCounts(a=0, b=0, tie=0)
    decision = Decision(Verdict.TIE, (), none_heard, log_odds=0.0, position_bias=0.0, probability_a=0.5, strength=0.0)
    provenance = _provenance(work, engine=engine, settings=settings, method="identical-answers")
    return _judgment(work, decision, spent=Usage(), flags=["identical_answers"], provenance=provenance)


def judgment_of(
    work: Work, heard: Sequence[Heard], *, engine: Description, settings: MethodSettings, spent: Usage
) -> Judgment:
    """The judgment that these rounds amount to; `spent` is what was paid before them."""
    decision = decide(work.preset, readings_of(work, heard), scale=settings.scale_of(work.preset))
    for one in heard:
        spent = spent + one.critique.usage + one.reading.usage
    return _judgment(
        work,
        decision,
        spent=spent,
        flags=_flags(heard, decision, engine=engine),
        provenance=_provenance(work, engine=engine, settings=settings, method=engine.method),
        reference=None if work.preset is Preset.PAPER else heard[0].reference,
    )


def readings_of(work: Work, heard: Sequence[Heard]) -> list[OrderReading]:
    """What was heard, in terms of the caller's own A and B."""
    return [_reading(work.preset, one) for one in heard]


def _reading(preset: Preset, one: Heard) -> OrderReading:
    perplexity: Perplexity | None = None
    mass: float | None = None
    if isinstance(one.reading, LabelLogProbs):
        first, second = (semantic_perplexity([value]) for value in (one.reading.first, one.reading.second))
        perplexity = Perplexity(a=first, b=second) if one.round.first == "A" else Perplexity(a=second, b=first)
        mass = one.reading.mass
    return OrderReading(
        first=one.round.first,
        verdict=_chosen(one),
        log_odds_a=_odds_of_a(one),
        semantic_perplexity=perplexity,
        label_mass=mass,
        critique=one.critique.text.strip(),
        reference=one.reference if preset is Preset.PAPER else None,
    )


def _odds_of_a(one: Heard) -> float | None:
    """Nats in favour of the caller's answer A; None without log-probabilities."""
    if isinstance(one.reading, LabelChoice):
        return None
    odds = log_odds([one.reading.first], [one.reading.second])
    return odds if one.round.first == "A" else -odds


def _chosen(one: Heard) -> Literal["A", "B"]:
    """The answer whose label was taken, or is at least as probable; what odds are worth is not decided here."""
    said = one.reading
    chose_first = said.first if isinstance(said, LabelChoice) else said.first >= said.second
    return "A" if chose_first == (one.round.first == "A") else "B"


def _flags(heard: Sequence[Heard], decision: Decision, *, engine: Description) -> list[str]:
    """What a reader of this judgment should know before trusting it, from a closed set."""
    masses = [one.reading.mass for one in heard if isinstance(one.reading, LabelLogProbs)]
    found = {
        ESCAPED_MARKERS: any(one.escaped for one in heard),
        "empty_reference": any(one.reference is not None and not one.reference.text.strip() for one in heard),
        "reference_cut": any(one.reference_cut for one in heard),
        "critique_cut": any(one.critique.cut for one in heard),
        "missing_log_odds": engine.reads_log_probs and len(masses) < len(heard),
        "low_label_mass": any(mass is None or mass < MUCH_MASS for mass in masses),
        ODDS_OPPOSE_VOTES: decision.odds_oppose,
    }
    return [flag for flag, holds in found.items() if holds]


def _provenance(work: Work, *, engine: Description, settings: MethodSettings, method: str) -> Provenance:
    sampling = hottest(work)
    budget = {"max_votes": work.max_votes} if work.votes == "auto" else {}
    scale = settings.scale_of(work.preset)
    return Provenance(
        engine=engine.engine,
        engine_version=engine.version,
        model=engine.model,
        revision=engine.revision,
        dtype=engine.dtype,
        template=settings.prompts.digest,
        method=method,
        parameters={
            "preset": work.preset.value,
            "votes": work.votes,
            **budget,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "reference_tokens": settings.reference_tokens,
            "critique_tokens": settings.critique_tokens,
            **scale.parameters(),
            "chat_template": engine.chat_template,
        },
        calibration=scale.calibration,
    )


def _judgment(
    work: Work,
    decision: Decision,
    *,
    spent: Usage,
    flags: Sequence[str],
    provenance: Provenance,
    reference: Reference | None = None,
) -> Judgment:
    return Judgment(
        id=work.id,
        custom_id=work.custom_id,
        job_id=work.job_id,
        created_at=work.created_at,
        **decision.told(),
        reference=reference,
        principle=work.comparison.principle,
        preset=work.preset,
        flags=tuple(dict.fromkeys((*work.flags, *flags))),
        usage=spent,
        provenance=provenance,
        finished_at=now(),
    )
