"""From what was heard in every round to the judgment that leaves the worker; no I/O.

An engine shows two positions, a judgment speaks of the caller's own A and B: the turn from one to the other happens
here, once, in `_odds_of_a` and `_vote`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from selfref.messages import (
    ESCAPED_MARKERS,
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
from worker.plan import Round, plan_rounds
from worker.strength import log_odds, mean, probability, semantic_perplexity, strength
from worker.verdict import count_votes, lean, majority, position_bias, reconcile, reconcile_votes

MUCH_MASS = 0.5  # of the next token's probability; below, the model wanted to say something else than a label

_LETTERS: dict[Verdict, Literal["A", "B", "tie"]] = {Verdict.A: "A", Verdict.B: "B", Verdict.TIE: "tie"}


@dataclass(frozen=True, slots=True)
class Heard:
    """One round as it went."""

    round: Round
    reference: Reference | None
    reference_cut: bool
    critique: Generation
    reading: LabelLogProbs | LabelChoice
    escaped: bool = False  # a text of the model's own was rewritten


@dataclass(frozen=True, slots=True)
class _Decision:
    verdict: Verdict
    log_odds: float | None
    position_bias: float | None
    probability_a: float | None
    strength: float | None


def identical_answers(work: Work, *, engine: Description, settings: MethodSettings) -> Judgment:
    """The judgment of two answers that are the same text: a tie, with no call made."""
    decision = _Decision(Verdict.TIE, log_odds=0.0, position_bias=0.0, probability_a=0.5, strength=0.0)
    provenance = _provenance(work, engine=engine, settings=settings, method="identical-answers")
    return _judgment(work, decision, readings=(), spent=Usage(), flags=["identical_answers"], provenance=provenance)


def judgment_of(
    work: Work, heard: Sequence[Heard], *, engine: Description, settings: MethodSettings, spent: Usage
) -> Judgment:
    """The judgment that these rounds amount to; `spent` is what was paid before them."""
    votes = [_vote(one, tie_width=settings.tie_width) for one in heard]
    decision = _decide(work.preset, heard, votes, tie_width=settings.tie_width)
    readings = tuple(_reading(work.preset, one, vote) for one, vote in zip(heard, votes, strict=True))
    for one in heard:
        spent = spent + one.critique.usage + one.reading.usage
    return _judgment(
        work,
        decision,
        readings=readings,
        spent=spent,
        flags=_flags(heard, decision, engine=engine),
        provenance=_provenance(work, engine=engine, settings=settings, method=engine.method),
        votes=count_votes(votes),
        reference=None if work.preset is Preset.PAPER else heard[0].reference,
    )


def _decide(preset: Preset, heard: Sequence[Heard], votes: Sequence[Verdict], *, tie_width: float) -> _Decision:
    a_first_odds, b_first_odds = _odds_in(heard, "A"), _odds_in(heard, "B")
    voted = (
        majority(votes) if preset is Preset.PAPER else reconcile_votes(_in(heard, votes, "A"), _in(heard, votes, "B"))
    )
    if not a_first_odds or not b_first_odds:
        return _Decision(voted, log_odds=None, position_bias=None, probability_a=None, strength=None)
    a_first, b_first = mean(a_first_odds), mean(b_first_odds)
    odds = mean([a_first, b_first])
    probability_a = probability(odds)
    verdict = voted if preset is Preset.PAPER else reconcile(a_first, b_first, tie_width=tie_width)
    return _Decision(
        verdict,
        log_odds=odds,
        position_bias=position_bias(a_first, b_first),
        probability_a=probability_a,
        strength=0.0 if _odds_oppose(verdict, odds) else strength(probability_a),
    )


def _odds_oppose(verdict: Verdict, odds: float) -> bool:
    """Can happen to a majority only: three weak votes against one strong one. Such a preference has no strength."""
    return (verdict is Verdict.A and odds < 0) or (verdict is Verdict.B and odds > 0)


def _odds_in(heard: Sequence[Heard], first: Literal["A", "B"]) -> list[float]:
    odds = [_odds_of_a(one) for one in heard if one.round.first == first]
    return [value for value in odds if value is not None]


def _in(heard: Sequence[Heard], votes: Sequence[Verdict], first: Literal["A", "B"]) -> list[Verdict]:
    return [vote for one, vote in zip(heard, votes, strict=True) if one.round.first == first]


def _odds_of_a(one: Heard) -> float | None:
    """Nats in favour of the caller's answer A; None without log-probabilities."""
    if isinstance(one.reading, LabelChoice):
        return None
    odds = log_odds([one.reading.first], [one.reading.second])
    return odds if one.round.first == "A" else -odds


def _vote(one: Heard, *, tie_width: float) -> Verdict:
    odds = _odds_of_a(one)
    if odds is not None:
        return lean(odds, tie_width=tie_width)
    chose_first = isinstance(one.reading, LabelChoice) and one.reading.first
    return Verdict.A if chose_first == (one.round.first == "A") else Verdict.B


def _reading(preset: Preset, one: Heard, vote: Verdict) -> OrderReading:
    perplexity: Perplexity | None = None
    mass: float | None = None
    if isinstance(one.reading, LabelLogProbs):
        first, second = (semantic_perplexity([value]) for value in (one.reading.first, one.reading.second))
        perplexity = Perplexity(a=first, b=second) if one.round.first == "A" else Perplexity(a=second, b=first)
        mass = one.reading.mass
    return OrderReading(
        first=one.round.first,
        verdict=_LETTERS[vote],
        log_odds_a=_odds_of_a(one),
        semantic_perplexity=perplexity,
        label_mass=mass,
        critique=one.critique.text.strip(),
        reference=one.reference if preset is Preset.PAPER else None,
    )


def _flags(heard: Sequence[Heard], decision: _Decision, *, engine: Description) -> list[str]:
    """What a reader of this judgment should know before trusting it, from a closed set."""
    masses = [one.reading.mass for one in heard if isinstance(one.reading, LabelLogProbs)]
    found = {
        ESCAPED_MARKERS: any(one.escaped for one in heard),
        "empty_reference": any(one.reference is not None and not one.reference.text.strip() for one in heard),
        "reference_cut": any(one.reference_cut for one in heard),
        "critique_cut": any(one.critique.cut for one in heard),
        "missing_log_odds": engine.reads_log_probs and len(masses) < len(heard),
        "low_label_mass": any(mass is None or mass < MUCH_MASS for mass in masses),
        "odds_oppose_votes": decision.log_odds is not None and _odds_oppose(decision.verdict, decision.log_odds),
    }
    return [flag for flag, holds in found.items() if holds]


def _provenance(work: Work, *, engine: Description, settings: MethodSettings, method: str) -> Provenance:
    round_ = plan_rounds(work)[0]
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
            "temperature": round_.sampling.temperature,
            "top_p": round_.sampling.top_p,
            "reference_tokens": settings.reference_tokens,
            "critique_tokens": settings.critique_tokens,
            "tie_width": settings.tie_width,
            "chat_template": engine.chat_template,
        },
        calibration=None,
    )


def _judgment(
    work: Work,
    decision: _Decision,
    *,
    readings: tuple[OrderReading, ...],
    spent: Usage,
    flags: Sequence[str],
    provenance: Provenance,
    votes: VoteCounts | None = None,
    reference: Reference | None = None,
) -> Judgment:
    return Judgment(
        id=work.id,
        custom_id=work.custom_id,
        job_id=work.job_id,
        created_at=work.created_at,
        verdict=decision.verdict,
        probability_a=decision.probability_a,
        strength=decision.strength,
        log_odds=decision.log_odds,
        position_bias=decision.position_bias,
        orders=readings,
        votes=votes or VoteCounts(a=0, b=0, tie=0),
        reference=reference,
        principle=work.comparison.principle,
        preset=work.preset,
        flags=tuple(dict.fromkeys((*work.flags, *flags))),
        usage=spent,
        provenance=provenance,
        finished_at=now(),
    )
