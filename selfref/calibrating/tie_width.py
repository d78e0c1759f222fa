"""How wide a tie is, where people found enough of them to tell; no I/O.

A width is worth what `decide` makes of the readings under it: the share of verdicts that are people's in three ways,
A, B or tie (orders that contradict each other count as a tie). That alone would call everything a tie where most labels
are, so no width is tried under which the judge finds more ties than people did.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from selfref.bench.agreement.bootstrap import interval, resamples
from selfref.bench.agreement.scoring import Array
from selfref.calibrating.folds import Places
from selfref.calibrating.samples import LABELS, Samples
from selfref.deciding import TIE_WIDTH, Scale, decide
from selfref.messages import Judgment, Verdict

Flags: TypeAlias = NDArray[np.bool_]

FEWEST_TIES = 30  # among people's labels, and as many decided ones: a width rests on both
_WIDTHS = 40  # tried, at equal steps of rank among the pairs' odds


@dataclass(frozen=True, slots=True)
class TieWidth:
    """The width, None where the judge keeps its own, and the reason."""

    nats: float | None
    why: str


def fitted_tie_width(samples: Samples, folds: Places, *, count: int, seed: int) -> TieWidth:
    """The width that agrees best, if those fitted without a fold agree better on it than the width that all begin with.

    Better means that the 95 % interval of the difference, over `count` resamples of the pairs, lies above zero.
    """
    decided = len(samples.labels) - samples.ties
    if samples.ties < FEWEST_TIES or decided < FEWEST_TIES:
        return TieWidth(
            None, f"{samples.ties} ties and {decided} decided labels; a width needs {FEWEST_TIES} of both to be fitted"
        )
    widths = _candidates(samples)
    verdicts = [[_verdict(each, width) for width in widths] for each in samples.judgments]
    agrees = np.array([[_three_way(each) for each in row] for row in verdicts]) == samples.labels[:, None]
    ties = np.array([[each is Verdict.TIE for each in row] for row in verdicts])  # both (pairs, widths)
    left_out = np.zeros(len(agrees))
    for fold in np.unique(folds):
        rest = folds != fold
        left_out[~rest] = agrees[~rest, _best(agrees[rest], ties[rest], samples.labels[rest])]
    gain = left_out - agrees[:, 0].astype(float)
    drawn = np.concatenate([weights @ gain / len(gain) for weights in resamples(len(gain), count=count, seed=seed)])
    ends = interval(drawn)
    best = _best(agrees, ties, samples.labels)
    told = f"three-way agreement {left_out.mean():.1%} held out, {agrees[:, 0].mean():.1%} with {TIE_WIDTH:g}"
    if ends is None or ends[0] <= 0 or best == 0:
        return TieWidth(None, f"no other is better for certain: {told}")
    return TieWidth(float(widths[best]), told)


def _candidates(samples: Samples) -> Array:
    """The width that all begin with, and widths between the pairs' own odds."""
    sizes = np.abs(samples.odds)
    return np.concatenate([[TIE_WIDTH], np.unique(np.quantile(sizes, np.arange(1, _WIDTHS) / _WIDTHS))])


def _best(agrees: Flags, ties: Flags, labels: Array) -> int:
    """The place of the width that agrees best among those that find no more ties than people did; the first of equals.

    The first width is always among them: it is what the judge does without a fit.
    """
    allowed = ties.mean(axis=0) <= (labels == LABELS["tie"]).mean()
    allowed[0] = True
    return int(np.argmax(np.where(allowed, agrees.mean(axis=0), -1.0)))


def _verdict(judgment: Judgment, width: float) -> Verdict:
    return decide(judgment.preset, judgment.orders, scale=Scale(tie_width=float(width))).verdict


def _three_way(verdict: Verdict) -> float:
    return {Verdict.A: 1.0, Verdict.B: 0.0}.get(verdict, 0.5)
