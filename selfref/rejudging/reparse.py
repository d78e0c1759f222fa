"""Judgments decided again from what is stored of them, added up; no I/O.

Each is first held against its own readings: only of one that is what they amount to is it known what another scale
makes of it. A judgment that a calibration was not made for stays on its own scale.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from selfref.deciding import Calibrations, Scale, Unmatched
from selfref.messages import Judgment
from selfref.rejudging.rederiving import ODDS_TOLERANCE, differing, odds_gaps, rederived
from selfref.rejudging.shift import Shift

MOST_NAMED = 20  # judgments of a kind that the report names


@dataclass(frozen=True, slots=True)
class Rescale:
    """The scale to decide on, where it is another than each judgment's own."""

    tie_width: float | None = None
    temperature: float | None = None
    calibrations: Calibrations | None = None

    @property
    def asked(self) -> bool:
        """Whether anything is to be decided anew."""
        return (self.tie_width, self.temperature, self.calibrations) != (None, None, None)

    def scale(self, judgment: Judgment) -> Scale | Unmatched | None:
        """None where nothing is asked. A calibration that a part of is replaced is no longer that calibration."""
        if not self.asked:
            return None
        if self.calibrations is not None:
            return self.calibrations.scale_of(judgment)
        own = Scale.of(judgment.provenance)
        return replace(
            own,
            tie_width=own.tie_width if self.tie_width is None else self.tie_width,
            temperature=own.temperature if self.temperature is None else self.temperature,
            calibration=None,
        )


@dataclass
class Reparse:
    """What came of every line, added up; a judgment that stands in several lines is counted once."""

    judgments: int = 0
    further_lines: int = 0  # of pairs that stand in several
    kept: int = 0  # lines of pairs that have no judgment
    without_log_probs: int = 0  # judgments that votes decided
    differing: list[dict[str, Any]] = field(default_factory=list)
    differing_count: int = 0
    readings: int = 0
    held_against_perplexities: int = 0
    largest_odds_gap: float = 0.0
    off: list[str] = field(default_factory=list)  # judgments whose odds are not their perplexities'
    off_count: int = 0
    labels: int = 0
    unmatched: Counter[str] = field(default_factory=Counter)  # by reason: lines that no calibration is for
    shift: Shift = field(default_factory=Shift)

    @property
    def sound(self) -> bool:
        """True when every judgment is what its readings amount to."""
        return not self.differing_count and not self.off_count

    def add(self, judgment: Judgment, again: Judgment) -> None:
        """Hold a judgment against what is stored of it, and count what it has become."""
        self.shift.add(judgment, again)
        self.judgments += 1
        self.without_log_probs += bool(judgment.orders) and judgment.log_odds is None
        names = differing(judgment, rederived(judgment))
        if names:
            self.differing_count += 1
            if len(self.differing) < MOST_NAMED:
                self.differing.append({"id": judgment.id, "custom_id": judgment.custom_id, "fields": list(names)})
        gaps = odds_gaps(judgment.orders)
        self.readings += len(judgment.orders)
        self.held_against_perplexities += len(gaps)
        self.largest_odds_gap = max([self.largest_odds_gap, *gaps])
        if any(gap > ODDS_TOLERANCE for gap in gaps):
            self.off_count += 1
            if len(self.off) < MOST_NAMED:
                self.off.append(judgment.id)

    def report(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "judgments": self.judgments,
            "further_lines": self.further_lines,
            "kept": self.kept,
            "without_log_probs": self.without_log_probs,
            "differing": {"count": self.differing_count, "first": self.differing},
            "log_odds": {
                "readings": self.readings,
                "held_against_perplexities": self.held_against_perplexities,
                "largest_gap": self.largest_odds_gap,
                "off": {"count": self.off_count, "first": self.off},
            },
            "uncalibrated": dict(self.unmatched),
            "labels_written": self.labels,
            "shift": self.shift.report(),
        }
