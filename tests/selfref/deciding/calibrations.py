"""Calibrations for tests."""

from datetime import UTC, datetime
from typing import Any

from selfref.deciding.calibration import Calibration, Calibrations, Figure, Fit, FittedOn, JudgeMeasured
from selfref.messages import Preset

JUDGE = JudgeMeasured(
    engine="tgi", model="m", revision="r1", template="t1", chat_template="c1", preset=Preset.SELF_REFERENCE
)


def judge(**different: Any) -> JudgeMeasured:
    """The judge of these tests, or one that differs in something."""
    return JUDGE.model_copy(update=different)


def calibration(
    measured: JudgeMeasured = JUDGE, *, temperature: float = 2.5, tie_width: float | None = None, seed: int = 0
) -> Calibration:
    """A calibration of this judge."""
    poor, good = (Figure(value=value, low=value / 2, high=value * 2) for value in (0.2, 0.02))
    return Calibration.made(
        measured,
        temperature=temperature,
        tie_width=tie_width,
        fitted_on=FittedOn(name="mine.jsonl", sha256="ab" * 32, pairs=400, ties=0),
        folds=10,
        seed=seed,
        held_out_before=Fit(ece=poor, brier=poor, log_loss=poor),
        held_out_after=Fit(ece=good, brier=good, log_loss=good),
    )


def calibrations(*each: Calibration) -> Calibrations:
    """A file of these, or of the one of these tests."""
    return Calibrations(created_at=datetime(2026, 1, 1, tzinfo=UTC), calibrations=each or (calibration(),))
