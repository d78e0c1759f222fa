"""What became of pairs, counted and held against gold; no I/O."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from selfref.demo.pairs import SWAPPED, GoldPair
from selfref.messages import Judgment, Verdict


@dataclass(frozen=True)
class Outcome:
    """One pair and its end: a judgment, or the problem code of why there is none."""

    pair: GoldPair
    judgment: Judgment | None
    failure: str | None = None

    @property
    def counted_as(self) -> str:
        """The one count that this pair belongs to."""
        if self.judgment is None:
            return self.failure if self.failure == "canceled" else "failed"
        return "decided" if self.judgment.verdict.decided else self.judgment.verdict.value

    @property
    def right(self) -> bool:
        """Is the verdict gold? A tie, a contradiction and a failure are not."""
        return self.judgment is not None and self.judgment.verdict is self.pair.gold

    @property
    def consistent(self) -> bool:
        """Was the pair judged without its two orders contradicting each other?"""
        return self.judgment is not None and self.judgment.verdict is not Verdict.INCONSISTENT


@dataclass(frozen=True)
class Score:
    """How many of some pairs were judged, how many of these right, and how many consistently."""

    pairs: int
    judged: int
    right: int
    consistent: int

    @property
    def accuracy(self) -> float:
        """Share of all pairs whose verdict is gold."""
        return self.right / self.pairs

    @property
    def consistency(self) -> float | None:
        """Share of the judged pairs whose two orders do not contradict each other."""
        return self.consistent / self.judged if self.judged else None


@dataclass(frozen=True)
class Twins:
    """A pair and its swapped twin."""

    name: str
    verdict: Verdict
    swapped: Verdict
    strengths: tuple[float | None, float | None]

    @property
    def consistent(self) -> bool:
        """Did swapping the answers swap the verdict?"""
        return self.verdict.swapped is self.swapped


def counts(outcomes: Sequence[Outcome]) -> Counter[str]:
    """How many pairs ended in each way; they add up to the number of pairs."""
    return Counter(outcome.counted_as for outcome in outcomes)


def score(outcomes: Sequence[Outcome]) -> Score:
    """These pairs, at least one, against gold."""
    return Score(
        pairs=len(outcomes),
        judged=sum(outcome.judgment is not None for outcome in outcomes),
        right=sum(outcome.right for outcome in outcomes),
        consistent=sum(outcome.consistent for outcome in outcomes),
    )


def by_principle(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """The principle asked about most comes first."""
    counted = Counter(outcome.pair.request.principle for outcome in outcomes)
    return {
        principle: [outcome for outcome in outcomes if outcome.pair.request.principle == principle]
        for principle, _ in counted.most_common()
    }


def one_of_each_family(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The first outcome of each kind of question."""
    first: dict[str, Outcome] = {}
    for outcome in outcomes:
        first.setdefault(outcome.pair.family, outcome)
    return list(first.values())


def without_twins(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Every pair once."""
    return [outcome for outcome in outcomes if not outcome.pair.name.endswith(SWAPPED)]


def twins(outcomes: Sequence[Outcome]) -> list[Twins]:
    """Every judged pair whose swapped twin was judged too."""
    judged = {outcome.pair.name: outcome.judgment for outcome in outcomes if outcome.judgment is not None}
    return [
        Twins(name, judgment.verdict, twin.verdict, (judgment.strength, twin.strength))
        for name, judgment in judged.items()
        if (twin := judged.get(name + SWAPPED)) is not None
    ]
