"""What one arm made of one pair, and all that is known of the pair; the statistics see nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from selfref.messages import Judgment, Reference, Usage

Letter = Literal["A", "B"]
Lean: TypeAlias = Literal["A", "B", "tie"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a pair before anyone judges it."""

    gold: Lean  # what people, or an exact rule, say; a tie where neither answer is better
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by grouping, the groups that it belongs to
    longer: Lean = "tie"  # the answer with more characters


@dataclass(frozen=True, slots=True)
class Reading:
    """The verdict after one critique, in terms of the pair's own A and B."""

    first: Letter  # the answer that was shown first
    verdict: Lean | None  # None: could not be read; such a pair has failed


@dataclass(frozen=True, slots=True)
class Row:
    """One pair in one arm: judged, or failed with a code and whatever could be read all the same."""

    known: Known
    verdict: Literal["A", "B", "tie", "inconsistent"] | None  # None: failed
    readings: tuple[Reading, ...] = ()
    probability_a: float | None = None  # None: failed, or an engine without log-probabilities
    strength: float | None = None  # likewise
    failure: str | None = None
    spent: Usage = field(default_factory=Usage)
    references_found: int = 0  # that the pair stands on and another one had paid for

    @property
    def gold(self) -> Lean:
        """The answer that is known to be better."""
        return self.known.gold


def judged(known: Known, judgment: Judgment) -> Row:
    """The row of a pair that ended in a judgment."""
    return Row(
        known=known,
        verdict=judgment.verdict.value,
        readings=tuple(Reading(first=one.first, verdict=one.verdict) for one in judgment.orders),
        probability_a=judgment.probability_a,
        strength=judgment.strength,
        spent=judgment.usage,
        references_found=sum(one.cached for one in _references(judgment)),
    )


def _references(judgment: Judgment) -> list[Reference]:
    shared = judgment.reference
    return [one for one in (shared, *(reading.reference for reading in judgment.orders)) if one is not None]


def failed(known: Known, code: str) -> Row:
    """The row of a pair that ended otherwise. What it cost is not known: a failure does not say."""
    return Row(known=known, verdict=None, failure=code)


def longer_of(answer_a: str, answer_b: str) -> Lean:
    """The answer with more characters."""
    if len(answer_a) == len(answer_b):
        return "tie"
    return "A" if len(answer_a) > len(answer_b) else "B"
