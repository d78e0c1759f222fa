"""Answers read on the scales of a file of calibrations, without asking anybody; no I/O."""

from collections.abc import Sequence

from selfref.bench.agreement.rows import judged
from selfref.bench.agreement.run import Asked
from selfref.deciding import Calibrations, Unmatched, decided_again


def rescaled(answers: Sequence[Asked], calibrations: Calibrations) -> list[Asked]:
    """Judgments of judges that have a calibration are decided again on it; all others stay as they are."""
    return [_rescaled(each, calibrations) for each in answers]


def _rescaled(asked: Asked, calibrations: Calibrations) -> Asked:
    if asked.judgment is None:
        return asked
    scale = calibrations.scale_of(asked.judgment)
    if isinstance(scale, Unmatched):
        return asked
    again = decided_again(asked.judgment, scale=scale)
    return Asked(judged(asked.row.known, again), again)
