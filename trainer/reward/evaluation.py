"""How well a reward model agrees with held-out labels, in figures; no I/O.

Δ is the score of the preferred answer less the other's; a model that prefers as the judge does has Δ > 0.

accuracy          share of decided pairs with Δ > 0; Δ = 0 is half
by_strength       the same in five buckets of the label's strength
brier, nll        mean of (σ(Δ) - 1)² and of -log σ(Δ) over decided pairs
ece               expected calibration error (arXiv 1706.04599, eq. 3), confidence max(σ(Δ), σ(-Δ)) in ten bins
spearman          rank correlation of Δ with strength over decided pairs: are strong preferences scored further apart?
length            rank correlation of the difference in score (A - B) with that in tokens, over all pairs
self_agreement    how often the judge would agree with its own label if it answered at random with the probability it
                  gave, p² + (1 - p)² on average: what no model of these labels can be expected to beat by much
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.reward.pairs import Pair

Array = NDArray[np.float64]
BUCKETS = 5
BINS = 10


@dataclass(frozen=True, slots=True)
class Share:
    """Part of the pairs: which range of strength or confidence they are from, how many, and what share is right."""

    low: float
    high: float
    pairs: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """None where there is nothing to measure on: no decided pair, one strength only, no probabilities."""

    pairs: int
    decided: int
    accuracy: float | None
    brier: float | None
    nll: float | None
    ece: float | None
    spearman: float | None
    length: float | None
    self_agreement: float | None
    by_strength: list[Share]
    reliability: list[Share]


def evaluate(pairs: Sequence[Pair], first: Array, second: Array) -> Evaluation:
    """Of the scores of both sequences of each pair, (pairs,) each."""
    decided = np.array([pair.decided for pair in pairs], dtype=bool)
    strength = np.array([pair.strength for pair in pairs], dtype=float)
    difference = first - second
    longer = np.array([len(pair.chosen) - len(pair.rejected) for pair in pairs], dtype=float)
    certain, strong = difference[decided], strength[decided]
    right = np.where(certain == 0, 0.5, certain > 0)
    likely = 1 / (1 + np.exp(-certain))
    confidence = np.maximum(likely, 1 - likely)
    reliability = _shares(confidence, right, confidence, low=0.5, count=BINS)
    return Evaluation(
        pairs=len(pairs),
        decided=len(certain),
        accuracy=_mean(right),
        brier=_mean((likely - 1) ** 2),
        nll=_mean(np.logaddexp(0, -certain)),
        ece=_ece(reliability) if len(certain) else None,
        spearman=spearman(certain, strong),
        length=spearman(difference, longer),
        self_agreement=_self_agreement([pair for pair in pairs if pair.decided]),
        by_strength=_shares(strong, right, confidence, low=0.0, count=BUCKETS),
        reliability=reliability,
    )


def spearman(left: Array, right: Array) -> float | None:
    """Rank correlation, equal values sharing their mean rank; None where one side does not vary."""
    if len(left) < 2:
        return None
    left_ranks, right_ranks = _ranks(left), _ranks(right)
    if np.ptp(left_ranks) == 0 or np.ptp(right_ranks) == 0:
        return None
    return float(np.corrcoef(left_ranks, right_ranks)[0, 1])


def _ranks(values: Array) -> Array:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: Array = (ends - (counts - 1) / 2)[place]
    return found


def _shares(by: Array, right: Array, confidence: Array, *, low: float, count: int) -> list[Share]:
    """The ranges of equal width that have pairs."""
    edges = np.linspace(low, 1.0, count + 1)
    bins = np.clip(np.digitize(by, edges[1:-1]), 0, count - 1)
    return [
        Share(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            pairs=int((bins == place).sum()),
            confidence=float(confidence[bins == place].mean()),
            accuracy=float(right[bins == place].mean()),
        )
        for place in np.unique(bins)
    ]


def _ece(reliability: Sequence[Share]) -> float:
    pairs = sum(each.pairs for each in reliability)
    gaps = (each.pairs * abs(each.confidence - each.accuracy) for each in reliability)
    return float(sum(gaps) / pairs)


def _self_agreement(pairs: Sequence[Pair]) -> float | None:
    likely = np.array([p for pair in pairs if (p := pair.label.probability_a) is not None])
    return _mean(likely**2 + (1 - likely) ** 2)


def _mean(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None
