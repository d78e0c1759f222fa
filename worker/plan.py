"""Which critiques a judgment consists of: one `Round` each, decided from preset and votes before anything is called.

Votes `auto` begin with the first round of each order and go on with `next_rounds`, as often as it is needed.
"""

from collections.abc import Sequence
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
    if work.votes == "auto" or work.votes == 1:
        return _in_both_orders(work, [Sampling()])
    return _in_both_orders(work, [_seeded(VOTE_SAMPLING, number) for number in range(work.votes)])


def next_rounds(work: Work, *, asked: int) -> tuple[Round, ...]:
    """One more round in each order for votes `auto`, after `asked` of them.

    The first was greedy, so that a clear pair is judged as it is without votes; from then on they are those of
    `votes: n`.
    """
    return _in_both_orders(work, [_seeded(VOTE_SAMPLING, asked - 1)])


def hottest(work: Work) -> Sampling:
    """How the critiques of this work are sampled; of votes `auto`, those behind the first."""
    rounds = next_rounds(work, asked=1) if work.votes == "auto" else plan_rounds(work)
    return rounds[0].sampling


def _in_both_orders(work: Work, critiques: Sequence[Sampling]) -> tuple[Round, ...]:
    reference = Sampling() if work.preset is Preset.SELF_REFERENCE else None
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
