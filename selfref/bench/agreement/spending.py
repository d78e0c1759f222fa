"""What an arm takes in engine calls, and what share of another arm's that is, on the same pairs; no I/O.

A reference that was found in the cache counts as if the pair had paid for it: which arm of a run, or which pair of a
prompt, comes first says nothing of what the arm costs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selfref.bench.agreement.bootstrap import interval, resamples
from selfref.bench.agreement.rows import Row
from selfref.bench.agreement.scoring import divide


def calls(arms: Mapping[str, Sequence[Row]], *, baseline: str | None, count: int, seed: int) -> dict[str, Any]:
    """By arm: `per_pair`, and `of_baseline` as a ratio (None without one), each with its `..._interval`.

    Over the pairs that were judged, in the arm and in the one that it is held against: a failure does not say what it
    cost.
    """
    found = {}
    for arm, rows in arms.items():
        ones = [1.0] * len(rows)
        per_pair, between = _ratio(_calls(rows), _in_both(ones, rows, rows), count=count, seed=seed)
        found[arm] = {"per_pair": per_pair, "per_pair_interval": between}
        ratio, ends = None, None
        if baseline is not None:
            others = arms[baseline]
            spent = _in_both(_calls(rows), rows, others), _in_both(_calls(others), rows, others)
            ratio, ends = _ratio(*spent, count=count, seed=seed)
        found[arm] |= {"of_baseline": ratio, "of_baseline_interval": ends}
    return found


def _calls(rows: Sequence[Row]) -> list[float]:
    return [0.0 if row.verdict is None else float(row.spent.calls + row.references_found) for row in rows]


def _in_both(values: Sequence[float], one: Sequence[Row], other: Sequence[Row]) -> list[float]:
    """The values of those pairs that were judged in both arms, 0 for the others."""
    judged = (a.verdict is not None and b.verdict is not None for a, b in zip(one, other, strict=True))
    return [value if both else 0.0 for value, both in zip(values, judged, strict=True)]


def _ratio(
    above: Sequence[float], below: Sequence[float], *, count: int, seed: int
) -> tuple[float | None, tuple[float, float] | None]:
    """Sum over sum, and the interval of it; None where there is nothing to divide by."""
    numerator, denominator = np.array(above), np.array(below)
    if not denominator.sum():
        return None, None
    drawn = [
        divide(weights @ numerator, weights @ denominator) for weights in resamples(len(above), count=count, seed=seed)
    ]
    return float(numerator.sum() / denominator.sum()), interval(np.concatenate(drawn))
