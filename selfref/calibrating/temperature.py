"""The temperature under which a judge's odds are worth what they say (Guo et al. 2017, arXiv 1706.04599); no I/O.

With s = 1/T, the mean log loss of sigmoid(s·odds) against the labels is convex in s, and its slope, the mean of
odds·(sigmoid(s·odds) - label), rises with s: where it crosses zero is the maximum of the likelihood. A tie is a label
of a half. Exchanging the two answers of a pair changes nothing.
"""

import numpy as np

from selfref.bench.agreement.scoring import Array
from selfref.calibrating.refused import Refused

COLDEST, HOTTEST = 0.02, 50.0  # beyond these, odds of a nat say everything, or nothing
_HALVINGS = 60  # of the logarithm of that range: to the precision of a float


def fitted_temperature(odds: Array, labels: Array) -> float:
    """The most likely temperature for odds (nats for A) and labels (probability of A), both (pairs,).

    Raises Refused where it lies beyond `COLDEST` or `HOTTEST`.
    """
    if _slope(odds, labels, temperature=HOTTEST) >= 0:
        raise Refused(
            f"no temperature up to {HOTTEST:g} is high enough: the judge's odds say nothing about these labels, or the "
            "opposite of them"
        )
    if _slope(odds, labels, temperature=COLDEST) <= 0:
        raise Refused(
            f"no temperature down to {COLDEST:g} is low enough: the judge agrees with every label, so nothing tells "
            "how often it is wrong; label more pairs, and harder ones"
        )
    low, high = np.log(COLDEST), np.log(HOTTEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _slope(odds, labels, temperature=float(np.exp(middle))) > 0:  # too sure
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def probabilities(odds: Array, *, temperature: float | Array) -> Array:
    """sigmoid(odds / temperature) of many pairs, as `selfref.deciding.strength.probability` has it of one."""
    found: Array = 1 / (1 + np.exp(-np.clip(odds / temperature, -700, 700)))
    return found


def log_losses(odds: Array, labels: Array, *, temperature: float | Array) -> Array:
    """Of every pair, nats: -label·log p - (1 - label)·log(1 - p), exact where p is next to 0 or 1."""
    scaled = odds / temperature
    found: Array = labels * np.logaddexp(0, -scaled) + (1 - labels) * np.logaddexp(0, scaled)
    return found


def _slope(odds: Array, labels: Array, *, temperature: float) -> float:
    """Written so that it is not rounded to zero where a probability is next to 1, and neither answer is favoured."""
    for_a, for_b = probabilities(odds, temperature=temperature), probabilities(-odds, temperature=temperature)
    return float(np.mean(odds * ((1 - labels) * for_a - labels * for_b)))
