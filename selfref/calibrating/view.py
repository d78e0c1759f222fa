"""Calibrations on a terminal, and as reliability diagrams."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.scoring import Columns, reliability
from selfref.calibrating.fitting import Fitted
from selfref.deciding.calibration import Figure, Fit

_NAMES = {"ece": "ECE", "brier": "Brier", "log_loss": "log loss"}


def tables(found: Sequence[Fitted]) -> Group:
    """Every calibration: its scale, and how true probabilities are before and after on pairs left out of the fit."""
    parts: list[RenderableType] = []
    for each in found:
        made = each.calibration
        parts += [
            Text(f"{made.judge.preset.value}: temperature {made.temperature:.3f}, calibration {made.digest}"),
            Text(
                f"fitted on {made.fitted_on.pairs} pairs of {made.fitted_on.name}, {made.fitted_on.ties} of them ties; "
                f"left out, having no odds: {each.left_out}"
            ),
            Text(f"tie width {_width(made.tie_width)}: {each.tie_width.why}"),
            _table(made.held_out_before, made.held_out_after),
        ]
    return Group(*parts, Text("Held out: by prompt, ten folds. In brackets: 95% of resamples of the pairs."))


def draw(found: Sequence[Fitted], file: Path) -> None:
    """Reliability of every preset before and after. Importing what draws needs matplotlib; raises OSError."""
    from selfref.bench.agreement.plot import draw_reliability

    draw_reliability({"arms": dict(pair for each in found for pair in _diagrams(each).items())}, file)


def _diagrams(fitted: Fitted) -> Mapping[str, Dump]:
    made = fitted.calibration
    return {
        f"{made.judge.preset.value}, as it comes": _diagram(fitted.before, made.held_out_before),
        f"{made.judge.preset.value}, T = {made.temperature:.2f}": _diagram(fitted.after, made.held_out_after),
    }


def _diagram(numbers: Columns, fit: Fit) -> Dump:
    return {
        "reliability": [asdict(each) for each in reliability(numbers)],
        "ece": fit.ece.value,
        "brier": fit.brier.value,
    }


def _table(before: Fit, after: Fit) -> Table:
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("held out")
    for heading in ("as it comes", "calibrated"):
        table.add_column(heading, justify="right")
    for name, shown in _NAMES.items():
        table.add_row(shown, *(_figure(getattr(each, name)) for each in (before, after)))
    return table


def _figure(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f},{figure.high:.3f}]"


def _width(nats: float | None) -> str:
    return "not fitted" if nats is None else f"{nats:.3f} nats"
