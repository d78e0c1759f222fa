"""Which critiques a judgment consists of: one `Round` each, decided from the preset alone before anything is called."""

from dataclasses import dataclass
from typing import Literal

from selfref.messages import Comparison, Preset, Work
from worker.engines.protocol import Sampling

PAPER_ROUNDS = 4  # the authors' released data: majority vote over four rounds
PAPER_SAMPLING = (0.1, 0.9)  # temperature and top-p of the authors' annotation script
VOTE_SAMPLING = (0.3, 0.95)  # the mildest that varies: more heat lowered agreement with people (RLAIF, 2309.00267)


@dataclass(frozen=True, slots=True)
class Round:
    """One critique and its verdict: which answer is shown first, on which reference, sampled how."""

    first: Literal["A", "B"]
    sampling: Sampling
    reference: Sampling | None  # how the model writes this round's reference; None: the caller's own, or no reference

    def shown(self, comparison: Comparison) -> Comparison:
        """The comparison as this round shows it, its first answer in the place of A."""
        return comparison if self.first == "A" else comparison.swapped()


def plan_rounds(work: Work) -> tuple[Round, ...]:
    """The rounds of this preset; equal for a comparison and its swapped twin."""
    if work.preset is Preset.PAPER:
        return tuple(_paper_round(number) for number in range(PAPER_ROUNDS))
    reference = Sampling() if work.preset is Preset.SELF_REFERENCE else None
    critiques = [Sampling()] if work.votes == 1 else [_seeded(VOTE_SAMPLING, number) for number in range(work.votes)]
    orders: tuple[Literal["A", "B"], ...] = ("A", "B")
    return tuple(
        Round(first=first, sampling=sampling, reference=reference) for first in orders for sampling in critiques
    )


def _paper_round(number: int) -> Round:
    """The authors alternate the order and write a fresh reference every round."""
    sampling = _seeded(PAPER_SAMPLING, number)
    return Round(first="A" if number % 2 == 0 else "B", sampling=sampling, reference=sampling)


def _seeded(temperature_and_top_p: tuple[float, float], number: int) -> Sampling:
    """Seeds start at 1, where every engine accepts them, and are the same for both orders and for every pair."""
    temperature, top_p = temperature_and_top_p
    return Sampling(temperature=temperature, top_p=top_p, seed=number + 1)
