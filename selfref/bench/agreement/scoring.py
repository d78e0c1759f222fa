"""Agreement with gold in figures; no I/O, so every figure is a row in a test.

All figures are shares between 0 and 1. A pair counts as its weight says: once for the figure itself, as often as it was
drawn for a resample. In this order:

accuracy_mean     mean over pairs of the score of a pair's readings: 1 for naming the gold answer, 0 for the other. A
                  tie has half, for it prefers neither; against a gold tie a preference has half. A reading that failed
                  has 0, and so has a failed pair without readings. This is what one order alone is worth.
accuracy_both     share of pairs in which either order says exactly what gold says, a tie being a third answer. Failures
                  do not.
accuracy_net      mean over pairs of the score of the final verdict, in which orders that contradict each other are
                  votes that cancel out: 1 for gold, half for undecided (tie, inconsistent), as a coin would have.
                  Against a gold tie undecided has 1 and decided half. Failed is 0.
accuracy_exact    share of pairs whose final verdict is gold exactly, in three ways: undecided is a tie. Failed is not.
accuracy_decided  share of gold among the decided verdicts: what a label is worth. Read it beside `decided`, its
                  coverage. A preference where gold is a tie is wrong.
consistency       share of judged pairs whose two orders do not contradict each other: one leaning to A while the other
                  leans to B. A tie contradicts nothing. Failed pairs have no orders; they are counted apart.
order_agreement   share of all pairs in which both orders lean the same way (the positional agreement rate of LLMBar,
                  arXiv 2310.07641): a tie in one order only and a failure are no agreement.
first_slot_rate   share of all readings that choose the answer shown first, ties as halves: 0.5 is a judge without
                  position bias, 1 one that sees only position (with every pair asked in both orders).
decided           share of pairs with a verdict of A or B; `tied`, `inconsistent` and `unjudged` (failed) are the rest.
brier             mean of (probability_a - gold)² over pairs with a probability; gold is 1 for A, 0 for B, half for a
                  tie (Brier, 1950, for two outcomes, counted once).
ece               expected calibration error (Guo et al. 2017, arXiv 1706.04599, eq. 3) over pairs with a probability:
                  confidence is the probability of the side that has more of it, max(p, 1-p), and accuracy whether that
                  side is gold (half at p = 0.5 and where gold is a tie). It lies in [0.5, 1], which is divided into 10
                  bins of equal width; swapping the answers changes nothing. It is not zero by chance, even for an
                  honest judge: with few pairs in a bin it is biased upwards.

Unless said otherwise the denominator is every pair asked. A preset with several readings in an order (`paper`) leans,
in that order, the way that most of them do, and nowhere where they are split evenly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from selfref.bench.agreement.rows import Lean, Row
from selfref.bias import leaning

Array: TypeAlias = NDArray[np.float64]

BINS = 10
EDGES = np.arange(BINS, 2 * BINS + 1) / (2 * BINS)  # of confidence, from 0.5 to 1; a bin holds its lower edge
FIGURES = (
    "accuracy_mean",
    "accuracy_both",
    "accuracy_net",
    "accuracy_exact",
    "accuracy_decided",
    "consistency",
    "order_agreement",
    "first_slot_rate",
    "decided",
    "tied",
    "inconsistent",
    "unjudged",
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
    gold = np.array([_side(row.gold) for row in rows], dtype=float)
    known = ~np.isnan(probability)
    likely = np.where(known, probability, 0.5)
    confidence = np.maximum(likely, 1 - likely)
    right = np.where((likely == 0.5) | (gold == 0.5), 0.5, (likely > 0.5) == (gold > 0.5))
    bins = bins_of(confidence) * known[:, None]
    return Columns(
        ratios={
            **{name: _ratios(rows, name) for name in _TERMS},
            "brier": (np.where(known, (likely - gold) ** 2, 0.0), known.astype(float)),
        },
        bins=bins,
        confidence=confidence * known,
        right=right * known,
    )


def bins_of(confidence: Array) -> Array:
    """The bin of every pair, one-hot, (pairs, BINS)."""
    found: Array = np.eye(BINS)[np.digitize(confidence, EDGES[1:-1])]
    return found


def figures(numbers: Columns, weights: Array) -> dict[str, Array]:
    """Every figure under every weighting: `weights` is (weightings, pairs), each figure (weightings,).

    NaN where nothing is left to divide by: no decided verdict, no probability, no pair.
    """
    found = {name: divide(weights @ above, weights @ below) for name, (above, below) in numbers.ratios.items()}
    gaps = weights @ (numbers.bins * (numbers.confidence - numbers.right)[:, None])
    found["ece"] = divide(np.abs(gaps).sum(axis=1), weights @ numbers.bins.sum(axis=1))
    return {name: found[name] for name in FIGURES}


def reliability(numbers: Columns) -> list[Bin]:
    """The reliability diagram: how sure the judge was, and how often it was right then."""
    counts = numbers.bins.sum(axis=0)
    confidence = divide(numbers.confidence @ numbers.bins, counts)
    accuracy = divide(numbers.right @ numbers.bins, counts)
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


def divide(above: Array, below: Array) -> Array:
    """Element by element; NaN where there is nothing to divide by."""
    found: Array = np.full(np.shape(above), np.nan)
    return np.divide(above, below, out=found, where=below > 0)


def _ratios(rows: Sequence[Row], name: str) -> tuple[Array, Array]:
    terms = np.array([_TERMS[name](row) for row in rows], dtype=float).reshape(-1, 2)
    return terms[:, 0], terms[:, 1]


def _accuracy_mean(row: Row) -> tuple[float, float]:
    if not row.readings:  # failed; or the same text twice, which is a tie without a reading
        return (0.0 if row.verdict is None else _score(row.verdict, row.gold)), 1.0
    return sum(_score(reading.verdict, row.gold) for reading in row.readings) / len(row.readings), 1.0


def _accuracy_both(row: Row) -> tuple[float, float]:
    return float(row.verdict is not None and orders_lean(row) == (row.gold, row.gold)), 1.0


def _accuracy_net(row: Row) -> tuple[float, float]:
    return _score(row.verdict, row.gold), 1.0


def _accuracy_exact(row: Row) -> tuple[float, float]:
    net = "tie" if row.verdict == "inconsistent" else row.verdict
    return float(net == row.gold), 1.0


def _accuracy_decided(row: Row) -> tuple[float, float]:
    decided = _is("A", "B")(row)[0]
    return float(decided and row.verdict == row.gold), decided


def _consistency(row: Row) -> tuple[float, float]:
    if row.verdict is None:
        return 0.0, 0.0
    return float(set(orders_lean(row)) != {"A", "B"}), 1.0


def _order_agreement(row: Row) -> tuple[float, float]:
    return float(row.verdict is not None and len(set(orders_lean(row))) == 1), 1.0


def _first_slot(row: Row) -> tuple[float, float]:
    read = [reading for reading in row.readings if reading.verdict is not None]
    return sum(_score(reading.verdict, reading.first) for reading in read), float(len(read))


def _is(*verdicts: str | None) -> Callable[[Row], tuple[float, float]]:
    return lambda row: (float(row.verdict in verdicts), 1.0)


_TERMS: dict[str, Callable[[Row], tuple[float, float]]] = {
    "accuracy_mean": _accuracy_mean,
    "accuracy_both": _accuracy_both,
    "accuracy_net": _accuracy_net,
    "accuracy_exact": _accuracy_exact,
    "accuracy_decided": _accuracy_decided,
    "consistency": _consistency,
    "order_agreement": _order_agreement,
    "first_slot_rate": _first_slot,
    "decided": _is("A", "B"),
    "tied": _is("tie"),
    "inconsistent": _is("inconsistent"),
    "unjudged": _is(None),
}


def orders_lean(row: Row) -> tuple[Lean, Lean]:
    """Which way the readings with A first lean, and those with B first: "A", "B", or "tie" where split or missing."""
    return leaning(row.readings, first="A"), leaning(row.readings, first="B")


def _score(verdict: str | None, gold: Lean) -> float:
    """How near a verdict comes: 1 for gold, half for a tie where gold is an answer or the other way round, else 0."""
    return 0.0 if verdict is None else 1.0 - abs(_side(verdict) - _side(gold))


def _side(verdict: str) -> float:
    """1 for A, 0 for B, and between them what prefers neither."""
    return {"A": 1.0, "B": 0.0}.get(verdict, 0.5)
