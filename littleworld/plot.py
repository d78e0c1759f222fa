"""The loss over a training run as a picture."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure


def plot_losses(history: Sequence[dict[str, float]], path: Path) -> None:
    """Losses of turns and of verdicts, nats, over the tokens seen; the axis of losses is logarithmic."""
    tokens, seen = [], 0.0
    for each in history:
        seen += each["tokens"]
        tokens.append(seen / 1e6)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(tokens, [each["turns"] for each in history], label="a token of a turn", linewidth=1)
    axes.plot(tokens, [each["verdicts"] for each in history], label="a verdict", linewidth=1)
    axes.set(xlabel="million tokens", ylabel="loss (nats)", yscale="log", title="Training the bundled judge")
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=110)
