"""A reward model's report as one picture: the loss on the way, reliability, and accuracy by strength."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trainer.reward.evaluation import Evaluation


def plot_evaluation(found: Evaluation, losses: Sequence[Mapping[str, float]], file: Path) -> None:
    """Write a PNG."""
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    loss, reliability, strength = figure.subplots(1, 3)
    loss.plot([each["step"] for each in losses], [each["loss"] for each in losses], linewidth=1)
    loss.set(xlabel="step", ylabel="loss (nats)", title="training")
    _reliability(reliability, found)
    _by_strength(strength, found)
    for axes in (loss, reliability, strength):
        axes.grid(visible=True, alpha=0.3)
    figure.savefig(file, dpi=110)


def _reliability(axes: Axes, found: Evaluation) -> None:
    seen = found.reliability
    axes.plot((0.5, 1), (0.5, 1), color="grey", linestyle="--", linewidth=1)
    axes.plot([each.confidence for each in seen], [each.accuracy for each in seen], marker="o")
    title = "no held-out pairs" if found.ece is None else f"ECE {found.ece:.3f}, Brier {found.brier:.3f}"
    axes.set(xlabel="confidence σ(|Δ|)", ylabel="agrees with the label", title=title, ylim=(-0.02, 1.02))


def _by_strength(axes: Axes, found: Evaluation) -> None:
    seen = found.by_strength
    middles = [(each.low + each.high) / 2 for each in seen]
    axes.bar(middles, [each.accuracy for each in seen], width=0.18)
    for middle, each in zip(middles, seen, strict=True):
        axes.annotate(f"{each.pairs}", (middle, 0.02), ha="center", color="white")
    if found.self_agreement is not None:
        axes.axhline(found.self_agreement, color="grey", linestyle="--", linewidth=1)
    title = "" if found.accuracy is None else f"accuracy {found.accuracy:.3f}"
    axes.set(xlabel="strength of the label (pairs)", title=title, ylim=(0, 1.02), xlim=(0, 1))
