"""From rows to the report: figures and intervals of every arm in every group, and how far each arm lies from `direct`.

No I/O. The report is plain data, as `--json` writes it; its shape:

    {"benchmark": "agreement", "version": 1, "machine": {…}, "settings": {…}, "baseline": ARM or null,
     "groupings": [NAME, …],
     "arms": {ARM: {…scores, GROUPING: {NAME: {…scores}}, …,
                    "reliability": [{"low", "high", "pairs", "confidence", "accuracy"}, …],
                    "strengths": [{"low", "high", "pairs", "accuracy", "interval"}, …], "provenance": […]}},
     "differences": {ARM: {…gaps, GROUPING: {NAME: {…gaps}}, …}},
     "baselines": {"longer_wins" | "first_wins": {"accuracy_net", "interval", GROUPING: {NAME: {…}}, …}},
     "calls": {ARM: {"per_pair", "of_baseline", …their intervals}, …},
     "published": [{"judge", "source", …figures}, …]}

The groupings of the little world are "families", "principles", "criteria" and "subsets"; those of a file "meta.FIELD".
Scores are the figures of `scoring.FIGURES` (null where there is nothing to divide by), `intervals` with
both ends of each (null likewise), `asked`, `verdicts`, `failed` (code to number) and `spent` (calls and tokens of the
judged pairs). Gaps are, per figure, {"difference", "interval"}: this arm minus the baseline on the same pairs. In
`strengths` are the decided pairs, by the judge's own strength.
"""

import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from selfref.bench.agreement.baselines import baselines
from selfref.bench.agreement.bootstrap import interval, resamples
from selfref.bench.agreement.rows import Row
from selfref.bench.agreement.scoring import FIGURES, Array, Columns, columns, figures, reliability
from selfref.bench.agreement.spending import calls
from selfref.messages import Usage

BASELINE = "direct"  # unless another arm is named
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)  # edges of the buckets; the last one holds its upper edge

Dump: TypeAlias = dict[str, Any]
Places: TypeAlias = NDArray[np.intp]


def report(
    arms: Mapping[str, Sequence[Row]],
    *,
    provenance: Mapping[str, Sequence[Dump]],
    settings: Dump,
    count: int,
    seed: int,
    published: Sequence[Dump] = (),
    baseline: str = BASELINE,
) -> Dump:
    """The whole report; `count` is the number of resamples. Every arm has the same pairs in the same order.

    Differences are to the arm `baseline`; there are none where it is not among the arms.
    """
    against = baseline if baseline in arms else None
    rows = next(iter(arms.values()))
    numbers = {arm: columns(each) for arm, each in arms.items()}
    groups = _groups(rows)
    scores, gaps = _compared(arms, numbers, baseline=against, count=count, seed=seed)
    for grouping, places in groups.items():
        for arm in arms:
            scores[arm][grouping], gaps[arm][grouping] = {}, {}
        for name, chosen in places.items():
            some = {arm: [each[place] for place in chosen] for arm, each in arms.items()}
            inside = {arm: each.of(chosen) for arm, each in numbers.items()}
            found, apart = _compared(some, inside, baseline=against, count=count, seed=seed)
            for arm in arms:
                scores[arm][grouping][name], gaps[arm][grouping][name] = found[arm], apart[arm]
    for arm in arms:
        scores[arm]["reliability"] = [asdict(each) for each in reliability(numbers[arm])]
        scores[arm]["strengths"] = _strengths(arms[arm], numbers[arm], count=count, seed=seed)
        scores[arm]["provenance"] = list(provenance[arm])
    return {
        "benchmark": "agreement",
        "version": 1,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "settings": settings,
        "baseline": against,
        "groupings": list(groups),
        "arms": scores,
        "differences": {arm: each for arm, each in gaps.items() if against is not None and arm != against},
        "calls": calls(arms, baseline=against, count=count, seed=seed),
        "baselines": _baselines(rows, groups, count=count, seed=seed),
        "published": list(published),
    }


def _groups(rows: Sequence[Row]) -> dict[str, dict[str, Places]]:
    """For every grouping its groups, in the order in which they first occur, and the places of their pairs."""
    found: dict[str, dict[str, list[int]]] = {}
    for place, row in enumerate(rows):
        for grouping, names in row.known.groups.items():
            groups = found.setdefault(grouping, {})
            for name in names:
                groups.setdefault(name, []).append(place)
    return {
        grouping: {name: np.array(places, dtype=np.intp) for name, places in groups.items()}
        for grouping, groups in found.items()
    }


def _compared(
    arms: Mapping[str, Sequence[Row]], numbers: Mapping[str, Columns], *, baseline: str | None, count: int, seed: int
) -> tuple[dict[str, Dump], dict[str, Dump]]:
    """Scores of every arm, and its gaps to the baseline, where there is one."""
    plain, drawn = _with_resamples(numbers, count=count, seed=seed)
    scores = {arm: _scores(arms[arm], plain[arm], drawn[arm]) for arm in arms}
    if baseline is None:
        return scores, {arm: {} for arm in arms}
    gaps = {
        arm: {
            name: {
                "difference": _number(plain[arm][name] - plain[baseline][name]),
                "interval": interval(drawn[arm][name] - drawn[baseline][name]),
            }
            for name in FIGURES
        }
        for arm in arms
    }
    return scores, gaps


def _with_resamples(
    numbers: Mapping[str, Columns], *, count: int, seed: int
) -> tuple[dict[str, dict[str, Array]], dict[str, dict[str, Array]]]:
    """Every figure of every arm, (1,); and in every resample, (count,), which draws the same pairs for all arms."""
    pairs = len(next(iter(numbers.values())).right)
    plain = {arm: figures(each, np.ones((1, pairs))) for arm, each in numbers.items()}
    blocks = [
        {arm: figures(each, weights) for arm, each in numbers.items()}
        for weights in resamples(pairs, count=count, seed=seed)
    ]
    drawn = {arm: {name: np.concatenate([block[arm][name] for block in blocks]) for name in FIGURES} for arm in numbers}
    return plain, drawn


def _scores(rows: Sequence[Row], plain: Mapping[str, Array], drawn: Mapping[str, Array]) -> Dump:
    return {
        **{name: _number(plain[name]) for name in FIGURES},
        "intervals": {name: interval(drawn[name]) for name in FIGURES},
        "asked": len(rows),
        "verdicts": dict(sorted(Counter(row.verdict for row in rows if row.verdict is not None).items())),
        "failed": dict(sorted(Counter(row.failure for row in rows if row.failure is not None).items())),
        "spent": sum((row.spent for row in rows), Usage()).model_dump(),
    }


def _strengths(rows: Sequence[Row], numbers: Columns, *, count: int, seed: int) -> list[Dump]:
    """How often the decided verdicts of each strength are right."""
    strength = np.array([np.nan if row.strength is None else row.strength for row in rows], dtype=float)
    decided = np.array([row.verdict in ("A", "B") for row in rows])
    bucket = np.digitize(strength, STRENGTHS[1:-1])
    found = []
    for place, (low, high) in enumerate(pairwise(STRENGTHS)):
        chosen = np.flatnonzero(decided & ~np.isnan(strength) & (bucket == place))
        right = _one_figure(numbers.of(chosen), "accuracy_decided", count=count, seed=seed) if chosen.size else {}
        found.append(
            {
                "low": low,
                "high": high,
                "pairs": int(chosen.size),
                "accuracy": right.get("accuracy_decided"),
                "interval": right.get("interval"),
            }
        )
    return found


def _baselines(rows: Sequence[Row], groups: Mapping[str, Mapping[str, Places]], *, count: int, seed: int) -> Dump:
    found: Dump = {}
    for name, judged in baselines(rows).items():
        numbers = columns(judged)
        found[name] = _one_figure(numbers, "accuracy_net", count=count, seed=seed)
        for grouping, places in groups.items():
            found[name][grouping] = {
                group: _one_figure(numbers.of(chosen), "accuracy_net", count=count, seed=seed)
                for group, chosen in places.items()
            }
    return found


def _one_figure(numbers: Columns, name: str, *, count: int, seed: int) -> Dump:
    plain, drawn = _with_resamples({"": numbers}, count=count, seed=seed)
    return {name: _number(plain[""][name]), "interval": interval(drawn[""][name])}


def _number(values: Array) -> float | None:
    """The only value of a figure; None for NaN, which JSON does not have."""
    value = float(values[0])
    return None if np.isnan(value) else value
