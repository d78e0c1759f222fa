"""From rows to the report: figures and intervals of every arm in every group, and how far each arm lies from `direct`.

No I/O. The report is plain data, as `--json` writes it; its shape:

    {"benchmark": "agreement", "version": 1, "machine": {…}, "settings": {…}, "baseline": "direct" or null,
     "arms": {ARM: {…scores, "families": {NAME: {…scores}}, "principles": {…}, "criteria": {…}, "subsets": {…},
                    "reliability": [{"low", "high", "pairs", "confidence", "accuracy"}, …], "provenance": […]}},
     "differences": {ARM: {…gaps, "families": {NAME: {…gaps}}, …}}}

Scores are the figures of `scoring.FIGURES` (null where there is nothing to divide by), `intervals` with both ends of
each (null likewise), `asked`, `verdicts` and `failed` (code to number). Gaps are, per figure, {"difference",
"interval"}: this arm minus the baseline on the same pairs.
"""

import os
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from selfref.bench.agreement.bootstrap import interval, resamples
from selfref.bench.agreement.rows import Row
from selfref.bench.agreement.scoring import FIGURES, Array, Columns, columns, figures, reliability

BASELINE = "direct"
# Families whose right answer has to be worked out from the question: here a judge that has answered first knows what it
# cannot read off the two answers. Left out are those learnt by heart (opposites, animals, facts), those whose answer
# stands in the question as it is (copying), and those where it shows in the answers' tone (manners, harm).
WORKED_OUT = frozenset(("sums", "differences", "comparing", "days", "months", "letters", "counting", "lists", "where"))

Dump: TypeAlias = dict[str, Any]
_GROUPINGS: dict[str, Callable[[Row], Sequence[str]]] = {
    "families": lambda row: [row.family],
    "principles": lambda row: [row.principle],
    "criteria": lambda row: [row.criterion],
    "subsets": lambda row: subsets_of(row),
}


def subsets_of(row: Row) -> list[str]:
    """The subsets that a pair belongs to.

    `worked_out`: of a family in `WORKED_OUT`. `worked_out_right`: of these, the pairs that gold decides by which answer
    is right, rather than by manners; knowing the answer is then all that matters.
    """
    if row.family not in WORKED_OUT:
        return []
    return ["worked_out", "worked_out_right"] if row.criterion == "right" else ["worked_out"]


def report(
    arms: Mapping[str, Sequence[Row]],
    *,
    provenance: Mapping[str, Sequence[Dump]],
    settings: Dump,
    count: int,
    seed: int,
) -> Dump:
    """The whole report; `count` is the number of resamples. Every arm has the same pairs in the same order."""
    numbers = {arm: columns(rows) for arm, rows in arms.items()}
    scores, gaps = _compared(arms, numbers, count=count, seed=seed)
    for grouping, places in _groups(next(iter(arms.values()))).items():
        for arm in arms:
            scores[arm][grouping], gaps[arm][grouping] = {}, {}
        for name, chosen in places.items():
            some = {arm: [rows[place] for place in chosen] for arm, rows in arms.items()}
            inside = {arm: each.of(chosen) for arm, each in numbers.items()}
            found, apart = _compared(some, inside, count=count, seed=seed)
            for arm in arms:
                scores[arm][grouping][name], gaps[arm][grouping][name] = found[arm], apart[arm]
    for arm in arms:
        scores[arm]["reliability"] = [asdict(each) for each in reliability(numbers[arm])]
        scores[arm]["provenance"] = list(provenance[arm])
    baseline = BASELINE if BASELINE in arms else None
    return {
        "benchmark": "agreement",
        "version": 1,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "settings": settings,
        "baseline": baseline,
        "arms": scores,
        "differences": {arm: each for arm, each in gaps.items() if baseline and arm != baseline},
    }


def _groups(rows: Sequence[Row]) -> dict[str, dict[str, NDArray[np.intp]]]:
    """For every grouping its groups, in the order in which they first occur, and the places of their pairs."""
    found: dict[str, dict[str, list[int]]] = {grouping: {} for grouping in _GROUPINGS}
    for place, row in enumerate(rows):
        for grouping, names in _GROUPINGS.items():
            for name in names(row):
                found[grouping].setdefault(name, []).append(place)
    return {
        grouping: {name: np.array(places, dtype=np.intp) for name, places in groups.items()}
        for grouping, groups in found.items()
    }


def _compared(
    arms: Mapping[str, Sequence[Row]], numbers: Mapping[str, Columns], *, count: int, seed: int
) -> tuple[dict[str, Dump], dict[str, Dump]]:
    """Scores of every arm, and its gaps to the baseline (none where the baseline is not among them)."""
    pairs = len(next(iter(arms.values())))
    plain = {arm: figures(each, np.ones((1, pairs))) for arm, each in numbers.items()}
    blocks = [
        {arm: figures(each, weights) for arm, each in numbers.items()}
        for weights in resamples(pairs, count=count, seed=seed)
    ]
    drawn = {arm: {name: np.concatenate([block[arm][name] for block in blocks]) for name in FIGURES} for arm in arms}
    scores = {arm: _scores(arms[arm], plain[arm], drawn[arm]) for arm in arms}
    gaps: dict[str, Dump] = {arm: {} for arm in arms}
    for arm in arms:
        for name in FIGURES if BASELINE in arms else ():
            gaps[arm][name] = {
                "difference": _number(plain[arm][name] - plain[BASELINE][name]),
                "interval": interval(drawn[arm][name] - drawn[BASELINE][name]),
            }
    return scores, gaps


def _scores(rows: Sequence[Row], plain: Mapping[str, Array], drawn: Mapping[str, Array]) -> Dump:
    return {
        **{name: _number(plain[name]) for name in FIGURES},
        "intervals": {name: interval(drawn[name]) for name in FIGURES},
        "asked": len(rows),
        "verdicts": dict(sorted(Counter(row.verdict for row in rows if row.verdict is not None).items())),
        "failed": dict(sorted(Counter(row.failure for row in rows if row.failure is not None).items())),
    }


def _number(values: Array) -> float | None:
    """The only value of a figure; None for NaN, which JSON does not have."""
    value = float(values[0])
    return None if np.isnan(value) else value
