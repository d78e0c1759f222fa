"""The reliability diagram of every arm as a picture. Importing this needs matplotlib (extra `plots`)."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.scoring import BINS


def draw_reliability(report: Dump, file: Path) -> None:
    """Write a picture of the kind that the file's name ends in; below each diagram, how many pairs lie in its bins."""
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
    axes.plot([each["confidence"] for each in seen], [each["accuracy"] for each in seen], marker="o")
    ece = "no probabilities" if scores["ece"] is None else f"ECE {scores['ece']:.3f}, Brier {scores['brier']:.3f}"
    axes.set(xlim=(0.48, 1.02), ylim=(-0.02, 1.02))
    axes.set_title(f"{arm}\n{ece}", fontsize="medium")
    axes.grid(visible=True, alpha=0.3)


def _counts(axes: Axes, scores: Dump) -> None:
    bins = scores["reliability"]
    axes.bar([each["low"] for each in bins], [each["pairs"] for each in bins], width=0.5 / BINS, align="edge")
