"""What the judgments of a tenant say of their judge: how far position and length decide, and how often none comes.

Counts are exact and only ever grow; every rate is made of them, so the rates of any two moments' difference are too.
A pair is counted once, by the call that ended it: a result that came too late, a repeated request and the further lines
of a file that hold the same pair are not counted. Hidden checks are not counted either: they are no labels, and chosen
to be hard or easy. Nor are pairs of twice the same text but in `identical`: no judge was asked.
"""

from typing import Literal

from pydantic import Field

from selfref.messages.comparison import Preset
from selfref.messages.message import Message

MICRO = 1_000_000


class BiasCounts(Message):
    """Numbers of pairs and of readings; a reading is the verdict after one critique, in one order.

    The order of the fields is their place in Redis: a new one goes to the end.
    """

    decided: int = Field(default=0, description="pairs with a verdict of A or B")
    tie: int = Field(default=0, description="pairs whose verdict is a tie, identical answers left out")
    inconsistent: int = Field(default=0, description="pairs whose verdict is inconsistent")
    failed: int = Field(
        default=0,
        description="times that a pair ended as failed: one that fails, is retried and then judged is counted twice",
    )
    identical: int = Field(default=0, description="pairs of twice the same text, in no other count and in no rate")
    flips: int = Field(
        default=0, description="judged pairs with one order leaning to A and the other to B; a tie contradicts nothing"
    )
    chose_first: int = Field(default=0, description="readings for the answer shown first")
    chose_second: int = Field(default=0, description="readings for the answer shown second")
    chose_neither: int = Field(default=0, description="readings for neither")
    longer_won: int = Field(default=0, description="decided pairs whose answer with more characters won")
    shorter_won: int = Field(default=0, description="decided pairs whose answer with fewer characters won")
    measured: int = Field(default=0, description="judged pairs with a position_bias, from log-probabilities")
    position_bias_micronats: int = Field(
        default=0, description="sum of their |position_bias|, each rounded to a millionth of a nat"
    )

    @property
    def judged(self) -> int:
        """Pairs that a judge has judged."""
        return self.decided + self.tie + self.inconsistent

    @property
    def readings(self) -> int:
        """Verdicts after one critique."""
        return self.chose_first + self.chose_second + self.chose_neither

    def __add__(self, other: "BiasCounts") -> "BiasCounts":
        return BiasCounts(**{name: getattr(self, name) + getattr(other, name) for name in BiasCounts.model_fields})

    def __sub__(self, earlier: "BiasCounts") -> "BiasCounts":
        """What has come since."""
        return BiasCounts(**{name: getattr(self, name) - getattr(earlier, name) for name in BiasCounts.model_fields})


class BiasRates(Message):
    """Rates of `BiasCounts`, null where there is nothing to divide by; `judged` is decided + tie + inconsistent.

    Those that `selfref bench agreement` has too have its names and its definitions.
    """

    consistency: float | None = Field(description="1 - flips / judged; the flip rate is what is missing from 1")
    first_slot_rate: float | None = Field(
        description="(chose_first + chose_neither / 2) / all readings: 0.5 without position bias, 1 for position alone"
    )
    longer_answer_rate: float | None = Field(
        description="longer_won / (longer_won + shorter_won): of decided pairs with answers of different length"
    )
    decided: float | None = Field(description="decided / (judged + failed)")
    tied: float | None = Field(description="tie / (judged + failed)")
    inconsistent: float | None = Field(description="inconsistent / (judged + failed)")
    unjudged: float | None = Field(description="failed / (judged + failed); with the three before it 1")
    mean_position_bias: float | None = Field(description="nats: mean of |position_bias| over measured pairs")

    @classmethod
    def of(cls, counts: BiasCounts) -> "BiasRates":
        """The rates that these counts amount to."""
        asked = counts.judged + counts.failed
        return cls(
            consistency=_share(counts.judged - counts.flips, counts.judged),
            first_slot_rate=_share(2 * counts.chose_first + counts.chose_neither, 2 * counts.readings),
            longer_answer_rate=_share(counts.longer_won, counts.longer_won + counts.shorter_won),
            decided=_share(counts.decided, asked),
            tied=_share(counts.tie, asked),
            inconsistent=_share(counts.inconsistent, asked),
            unjudged=_share(counts.failed, asked),
            mean_position_bias=_share(counts.position_bias_micronats, MICRO * counts.measured),
        )


class BiasGroup(Message):
    """The judgments of one model, preset and principle.

    All four names are null in the one group of what has no place of its own: combinations beyond the first 200, and
    pairs whose work could not be read.
    """

    model: str | None = Field(description="null also for failures of a worker that did not say")
    preset: Preset | None
    principle: str | None = Field(description="its text, the first 200 characters of a longer one")
    principle_label: str | None = Field(
        description="the metrics' name for it: `default`, or the first 12 digits of the SHA-256 of its text"
    )
    counts: BiasCounts
    rates: BiasRates


class Stats(Message):
    """All pairs of a tenant, those of jobs and of `/judge`, since its first; and the same by who judged how."""

    version: Literal[1] = 1
    counts: BiasCounts
    rates: BiasRates
    groups: tuple[BiasGroup, ...] = Field(description="those with most pairs first; their counts add up to the whole")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
