"""From what a judge was heard to say to its verdict and how strong it is; no I/O.

    decision = decide(preset, readings, scale=Scale())

A worker decides so when it has judged, and whoever holds the readings of a judgment can decide again, on another
`Scale`, without asking the judge (`decided_again`). Whether asking once more could change it, `settled` says. Scales
that were fitted on human labels are in `calibration`.
"""

from selfref.deciding.again import decided_again
from selfref.deciding.calibration import (
    Calibration,
    Calibrations,
    JudgeMeasured,
    Unmatched,
    UnusableCalibration,
    load_calibrations,
)
from selfref.deciding.decision import Decision, decide
from selfref.deciding.scale import TIE_WIDTH, Scale
from selfref.deciding.settled import settled

__all__ = [
    "TIE_WIDTH",
    "Calibration",
    "Calibrations",
    "Decision",
    "JudgeMeasured",
    "Scale",
    "Unmatched",
    "UnusableCalibration",
    "decide",
    "decided_again",
    "load_calibrations",
    "settled",
]
