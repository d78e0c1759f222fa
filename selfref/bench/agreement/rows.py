"""What one arm made of one pair, and all that is known of the pair; the statistics see nothing else."""

from dataclasses import dataclass
from typing import Literal

from littleworld.world.pairs import Pair
from selfref.messages import Judgment

Letter = Literal["A", "B"]
Lean = Literal["A", "B", "tie"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The verdict after one critique, in terms of the pair's own A and B."""

    first: Letter  # the answer that was shown first
    verdict: Lean


@dataclass(frozen=True, slots=True)
class Row:
    """One pair in one arm: judged, or failed with a code and nothing else."""

    family: str
    principle: str
    criterion: str  # what decided the gold preference: harmless, right, kind or brief
    gold: Letter
    verdict: Literal["A", "B", "tie", "inconsistent"] | None  # None: failed
    readings: tuple[Reading, ...] = ()
    probability_a: float | None = None  # None: failed, or an engine without log-probabilities
    failure: str | None = None


def judged(pair: Pair, judgment: Judgment) -> Row:
    """The row of a pair that ended in a judgment; raises ValueError for a pair without a better answer."""
    return Row(
        family=pair.question.family,
        principle=pair.principle,
        criterion=pair.decision.criterion or "",
        gold=_gold(pair),
        verdict=judgment.verdict.value,
        readings=tuple(Reading(first=one.first, verdict=one.verdict) for one in judgment.orders),
        probability_a=judgment.probability_a,
    )


def failed(pair: Pair, code: str) -> Row:
    """The row of a pair that ended otherwise; raises ValueError for a pair without a better answer."""
    return Row(
        family=pair.question.family,
        principle=pair.principle,
        criterion=pair.decision.criterion or "",
        gold=_gold(pair),
        verdict=None,
        failure=code,
    )


def _gold(pair: Pair) -> Letter:
    if pair.decision.preference == "tie":
        raise ValueError("neither answer of this pair is better: nothing can agree with it")
    return pair.decision.preference
