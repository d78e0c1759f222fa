"""The report as pictures. Importing this needs matplotlib (extra `plots`)."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.scoring import BINS

_DRAWN = ("accuracy_mean", "accuracy_both", "accuracy_net", "accuracy_decided", "order_agreement", "first_slot_rate")
_SMALLEST, _ALL = 6, 120  # areas of dots, points²: of a bin with next to no pair, and what all pairs add
_ACCURACIES = 4  # of these, the first


def draw_figures(report: Dump, file: Path) -> None:
    """The main figures of every arm with their intervals, and crosses for what others published."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots()
    arms = report["arms"]
    for number, (arm, scores) in enumerate(arms.items()):
        shift = (number - (len(arms) - 1) / 2) * 0.7 / len(arms)
        drawn = [(place, scores[name], scores["intervals"][name]) for place, name in enumerate(_DRAWN)]
        known = [(place + shift, value, *ends) for place, value, ends in drawn if value is not None and ends]
        axes.errorbar(
            [each[0] for each in known],
            [each[1] for each in known],
            # a figure can lie a hair outside its own percentile interval
            yerr=[[max(0, each[1] - each[2]) for each in known], [max(0, each[3] - each[1]) for each in known]],
            fmt="o",
            capsize=3,
            label=arm,
        )
    for each in report["published"]:
        told = [(place, each[name]) for place, name in enumerate(_DRAWN) if name in each]
        label = f"{each['judge']}, published"
        axes.plot([place for place, _ in told], [value for _, value in told], "x", label=label)
    longer = report["baselines"]["longer_wins"]["accuracy_net"]
    axes.plot((-0.5, _ACCURACIES - 0.5), (longer, longer), color="grey", linestyle=":", label="longer wins")
    axes.set_xticks(range(len(_DRAWN)), [name.replace("_", "\n", 1) for name in _DRAWN], fontsize="small")
    axes.set(ylim=(-0.02, 1.02))
    axes.grid(visible=True, axis="y", alpha=0.3)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, dpi=110)


def draw_reliability(report: Dump, file: Path) -> None:
    """Write a picture of the kind that the file's name ends in; below each diagram, how many pairs lie in its bins,
    which the dots' areas say too."""
    arms = report["arms"]
    figure = Figure(figsize=(3.2 * len(arms) + 0.6, 4.2), layout="constrained")
    grid = figure.subplots(2, len(arms), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 1))
    for place, (arm, scores) in enumerate(arms.items()):
        _diagram(grid[0][place], arm, scores)
        _counts(grid[1][place], scores)
    grid[0][0].set_ylabel("share that is gold")
    grid[1][0].set_ylabel("pairs")
    figure.supxlabel("probability of the preferred answer")
    figure.savefig(file, dpi=110)


def _diagram(axes: Axes, arm: str, scores: Dump) -> None:
    seen = [each for each in scores["reliability"] if each["pairs"]]
    axes.plot((0.5, 1), (0.5, 1), color="grey", linestyle="--", linewidth=1)
    confidence, accuracy = ([each[name] for each in seen] for name in ("confidence", "accuracy"))
    pairs = [each["pairs"] for each in seen]
    axes.plot(confidence, accuracy, linewidth=0.8, alpha=0.5)
    # a bin of a few pairs jumps by chance, and should not look like one of a thousand
    axes.scatter(confidence, accuracy, s=[_SMALLEST + _ALL * each / sum(pairs) for each in pairs], zorder=3)
    ece = "no probabilities" if scores["ece"] is None else f"ECE {scores['ece']:.3f}, Brier {scores['brier']:.3f}"
    axes.set(xlim=(0.48, 1.02), ylim=(-0.02, 1.02))
    axes.set_title(f"{arm}\n{ece}", fontsize="medium")
    axes.grid(visible=True, alpha=0.3)


def _counts(axes: Axes, scores: Dump) -> None:
    bins = scores["reliability"]
    axes.bar([each["low"] for each in bins], [each["pairs"] for each in bins], width=0.5 / BINS, align="edge")
