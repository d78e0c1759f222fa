"""Agreement with gold in figures; no I/O, so every figure is a row in a test.

All figures are shares between 0 and 1. A pair counts as its weight says: once for the figure itself, as often as it was
drawn for a resample. In this order:

accuracy_mean     mean over pairs of the share of a pair's readings that name the gold answer. A tie is half a reading,
                  for it prefers neither; a failed pair has 0. This is what one order alone is worth.
accuracy_both     share of pairs in which either order names the gold answer. Ties and failures do not.
accuracy_net      share of pairs whose final verdict is gold. Undecided (tie, inconsistent) is half: a coin would do as
                  well. Failed is 0.
accuracy_decided  share of gold among the decided verdicts: what a label is worth. Read it beside `decided`.
consistency       share of judged pairs whose two orders do not contradict each other: one leaning to A while the other
                  leans to B. A tie contradicts nothing. Failed pairs have no orders; they are counted apart.
first_slot_rate   share of all readings that choose the answer shown first, ties as halves: 0.5 is a judge without
                  position bias, 1 one that sees only position (with every pair asked in both orders).
decided           share of pairs with a verdict of A or B.
brier             mean of (probability_a - [gold is A])² over pairs with a probability (Brier, 1950, for two outcomes,
                  counted once).
ece               expected calibration error (Guo et al. 2017, arXiv 1706.04599, eq. 3) over pairs with a probability:
                  confidence is the probability of the side that has more of it, max(p, 1-p), and accuracy whether that
                  side is gold (half at p = 0.5). It lies in [0.5, 1], which is divided into 10 bins of equal width;
                  swapping the answers changes nothing. It is not zero by chance, even for an honest judge: with few
                  pairs in a bin it is biased upwards.

Unless said otherwise the denominator is every pair asked. A preset with several readings in an order (`paper`) leans,
in that order, the way that most of them do, and nowhere where they are split evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from selfref.bench.agreement.rows import Row

Array: TypeAlias = NDArray[np.float64]

BINS = 10
EDGES = np.arange(BINS, 2 * BINS + 1) / (2 * BINS)  # of confidence, from 0.5 to 1; a bin holds its lower edge
FIGURES = (
    "accuracy_mean",
    "accuracy_both",
    "accuracy_net",
    "accuracy_decided",
    "consistency",
    "first_slot_rate",
    "decided",
    "brier",
    "ece",
)


@dataclass(frozen=True, slots=True)
class Columns:
    """One arm's pairs in numbers.

    `ratios` has a figure's numerator and denominator for every pair, (pairs,) each. `bins` is one-hot, (pairs, BINS),
    and all zero for a pair without a probability; so are `confidence` and `right`, (pairs,).
    """

    ratios: dict[str, tuple[Array, Array]]
    bins: Array
    confidence: Array
    right: Array

    def of(self, chosen: NDArray[np.intp]) -> "Columns":
        """Only these pairs, by their places."""
        return Columns(
            ratios={name: (above[chosen], below[chosen]) for name, (above, below) in self.ratios.items()},
            bins=self.bins[chosen],
            confidence=self.confidence[chosen],
            right=self.right[chosen],
        )


@dataclass(frozen=True, slots=True)
class Bin:
    """One column of a reliability diagram; means over its pairs, None where it has none."""

    low: float
    high: float
    pairs: int
    confidence: float | None
    accuracy: float | None


def columns(rows: Sequence[Row]) -> Columns:
    """The numbers of all rows, in their order."""
    probability = np.array([np.nan if row.probability_a is None else row.probability_a for row in rows], dtype=float)
    gold_a = np.array([row.gold == "A" for row in rows], dtype=float)
    known = ~np.isnan(probability)
    likely = np.where(known, probability, 0.5)
    confidence = np.maximum(likely, 1 - likely)
    right = np.where(likely == 0.5, 0.5, (likely > 0.5) == (gold_a > 0))
    bins = np.eye(BINS)[np.digitize(confidence, EDGES[1:-1])] * known[:, None]
    return Columns(
        ratios={
            **{name: _ratios(rows, name) for name in _TERMS},
            "brier": (np.where(known, (likely - gold_a) ** 2, 0.0), known.astype(float)),
        },
        bins=bins,
        confidence=confidence * known,
        right=right * known,
    )


def figures(numbers: Columns, weights: Array) -> dict[str, Array]:
    """Every figure under every weighting: `weights` is (weightings, pairs), each figure (weightings,).

    NaN where nothing is left to divide by: no decided verdict, no probability, no pair.
    """
    found = {name: _divide(weights @ above, weights @ below) for name, (above, below) in numbers.ratios.items()}
    gaps = weights @ (numbers.bins * (numbers.confidence - numbers.right)[:, None])
    found["ece"] = _divide(np.abs(gaps).sum(axis=1), weights @ numbers.bins.sum(axis=1))
    return {name: found[name] for name in FIGURES}


def reliability(numbers: Columns) -> list[Bin]:
    """The reliability diagram: how sure the judge was, and how often it was right then."""
    counts = numbers.bins.sum(axis=0)
    confidence = _divide(numbers.confidence @ numbers.bins, counts)
    accuracy = _divide(numbers.right @ numbers.bins, counts)
    return [
        Bin(
            low=float(EDGES[place]),
            high=float(EDGES[place + 1]),
            pairs=int(count),
            confidence=float(confidence[place]) if count else None,
            accuracy=float(accuracy[place]) if count else None,
        )
        for place, count in enumerate(counts)
    ]


def _divide(above: Array, below: Array) -> Array:
    found: Array = np.full(np.shape(above), np.nan)
    return np.divide(above, below, out=found, where=below > 0)


def _ratios(rows: Sequence[Row], name: str) -> tuple[Array, Array]:
    terms = np.array([_TERMS[name](row) for row in rows], dtype=float).reshape(-1, 2)
    return terms[:, 0], terms[:, 1]


def _accuracy_mean(row: Row) -> tuple[float, float]:
    if row.verdict is None:
        return 0.0, 1.0
    if not row.readings:  # the same text twice is a tie without a reading
        return 0.5, 1.0
    return sum(_for(reading.verdict, row.gold) for reading in row.readings) / len(row.readings), 1.0


def _accuracy_both(row: Row) -> tuple[float, float]:
    return float(orders_lean(row) == (row.gold, row.gold)), 1.0


def _accuracy_net(row: Row) -> tuple[float, float]:
    return (0.0 if row.verdict is None else _for(row.verdict, row.gold)), 1.0


def _accuracy_decided(row: Row) -> tuple[float, float]:
    return float(row.verdict == row.gold), _decided(row)[0]


def _consistency(row: Row) -> tuple[float, float]:
    if row.verdict is None:
        return 0.0, 0.0
    return float(set(orders_lean(row)) != {"A", "B"}), 1.0


def _first_slot(row: Row) -> tuple[float, float]:
    return sum(_for(reading.verdict, reading.first) for reading in row.readings), float(len(row.readings))


def _decided(row: Row) -> tuple[float, float]:
    return float(row.verdict in ("A", "B")), 1.0


_TERMS = {
    "accuracy_mean": _accuracy_mean,
    "accuracy_both": _accuracy_both,
    "accuracy_net": _accuracy_net,
    "accuracy_decided": _accuracy_decided,
    "consistency": _consistency,
    "first_slot_rate": _first_slot,
    "decided": _decided,
}


def orders_lean(row: Row) -> tuple[str, str]:
    """Which way the readings with A first lean, and those with B first: "A", "B", or "tie" where split or missing."""
    return _lean(row, "A"), _lean(row, "B")


def _lean(row: Row, first: str) -> str:
    said = [reading.verdict for reading in row.readings if reading.first == first]
    surplus = said.count("A") - said.count("B")
    return "tie" if surplus == 0 else "A" if surplus > 0 else "B"


def _for(verdict: str, letter: str) -> float:
    """1 for this answer, 0 for the other, a half for neither."""
    return float(verdict == letter) if verdict in ("A", "B") else 0.5
