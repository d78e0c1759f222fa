"""What one ended pair adds to what is known of its judge's biases; no I/O, so every count is a row in a test.

The counts are those of `selfref.messages.BiasCounts`; the figures made of them have the definitions of the agreement
benchmark, which asks `leaning` too.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from selfref.messages import DEFAULT_PRINCIPLE, BiasCounts, Comparison, Judgment, Preset, Verdict
from selfref.messages.stats import MICRO

MOST_NATS = 1000.0  # of one pair, in the sum; no log-probability goes there, and the sum must stay an integer
LONGEST = 200  # characters of a name or text that are kept
FAILED = BiasCounts(failed=1)


class Reading(Protocol):
    """The verdict after one critique, in terms of the pair's own A and B."""

    @property
    def first(self) -> Literal["A", "B"]:
        """The answer that was shown first."""

    @property
    def verdict(self) -> Literal["A", "B", "tie"] | None:
        """The answer it prefers; None where it could not be read."""


@dataclass(frozen=True, slots=True)
class Judging:
    """Who judged by what, and how: counts are kept for each. `model` is None where nobody said.

    Principles are told apart by `label`; of the text only the beginning is kept.
    """

    model: str | None
    preset: Preset
    label: str
    principle: str

    @classmethod
    def by(cls, model: str | None, preset: Preset, principle: str) -> "Judging":
        """With the principle's whole text."""
        known = model if model is None else model[:LONGEST]
        return cls(model=known, preset=preset, label=principle_label(principle), principle=principle[:LONGEST])


def leaning(readings: Iterable[Reading], *, first: Literal["A", "B"]) -> Literal["A", "B", "tie"]:
    """Which way the readings that showed this answer first lean: the way of most, `tie` where split or missing."""
    said = [each.verdict for each in readings if each.first == first]
    surplus = said.count("A") - said.count("B")
    return "tie" if surplus == 0 else "A" if surplus > 0 else "B"


def counts_of(judgment: Judgment, comparison: Comparison) -> BiasCounts:
    """What this judgment of this comparison adds. Without a reading nobody was asked: the answers are one text."""
    if not judgment.orders:
        return BiasCounts(identical=1)
    verdict, orders = judgment.verdict, judgment.orders
    chose = [None if each.verdict == "tie" else each.verdict == each.first for each in orders]
    bias = judgment.position_bias
    measured = bias is not None and math.isfinite(bias)
    longer = _longer(comparison) if verdict.decided else None
    return BiasCounts(
        decided=int(verdict.decided),
        tie=int(verdict is Verdict.TIE),
        inconsistent=int(verdict is Verdict.INCONSISTENT),
        flips=int({leaning(orders, first="A"), leaning(orders, first="B")} == {"A", "B"}),
        chose_first=chose.count(True),
        chose_second=chose.count(False),
        chose_neither=chose.count(None),
        longer_won=int(longer is not None and verdict is longer),
        shorter_won=int(longer is not None and verdict is not longer),
        measured=int(measured),
        position_bias_micronats=round(min(abs(bias or 0.0), MOST_NATS) * MICRO) if measured else 0,
    )


def principle_label(principle: str) -> str:
    """A short name for a principle's text: `default`, or the first 12 digits of its SHA-256."""
    return "default" if principle == DEFAULT_PRINCIPLE else hashlib.sha256(principle.encode()).hexdigest()[:12]


def _longer(comparison: Comparison) -> Verdict | None:
    a, b = len(comparison.answer_a), len(comparison.answer_b)
    return None if a == b else Verdict.A if a > b else Verdict.B
