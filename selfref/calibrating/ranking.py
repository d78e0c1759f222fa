"""Whether a judge's odds know anything of the labels, whatever they are worth; no I/O."""

import numpy as np

from selfref.bench.agreement.scoring import Array
from selfref.deciding.calibration import Figure

_Z = 1.959964  # of a 95 % interval of the normal distribution


def ranking(odds: Array, labels: Array) -> Figure:
    """The area under the ROC curve of odds (pairs,) for decided labels (pairs,), and its 95 % interval.

    A pair says the same whichever of its answers is called A, so every pair stands there in both namings: what is
    computed is the probability that of two pairs the odds, each turned towards its label, add up to more than zero (a
    sum of zero counts half). That is Wilcoxon's signed-rank statistic; 0.5 is chance. The interval is the asymptotic
    one of a U statistic, twice the spread of the pairs' own parts.
    """
    towards = np.sort(np.where(labels > 0.5, odds, -odds))
    pairs = len(towards)
    above = pairs - np.searchsorted(towards, -towards, side="right")
    level = np.searchsorted(towards, -towards, side="right") - np.searchsorted(towards, -towards, side="left")
    itself = np.where(towards > 0, 1.0, np.where(towards == 0, 0.5, 0.0))
    parts = (above + level / 2 - itself) / (pairs - 1)
    area = float(parts.mean())
    spread = 2 * _Z * float(parts.std()) / np.sqrt(pairs)
    return Figure(value=area, low=max(0.0, area - spread), high=min(1.0, area + spread))
