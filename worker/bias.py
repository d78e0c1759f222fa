"""What this worker's own judgments say of its judge, for Prometheus: by model, preset and principle.

Counted once a pair, after the store has taken the result as ours. What the counts mean is said in
`selfref.messages.BiasCounts`; `GET /stats` has the same ones exactly. These may miss a few: a worker that is killed
between the store's answer and the count, and a pair of a job whose answer was lost (docs/metrics.md).
"""

from dataclasses import dataclass

from prometheus_client import Counter, Histogram

from selfref.bias import FAILED, Judging, counts_of
from selfref.messages import BiasCounts, Check, Judgment, Work
from selfref.messages.stats import MICRO
from worker import metrics

MOST_PRINCIPLES = 32  # a process names; principles are texts of callers, and series must not grow with them
OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Series:
    """The series of one kind of judging; made together, so that a rate of zero is a zero and not a gap."""

    pairs: dict[str, Counter]
    flips: Counter
    readings: dict[str, Counter]
    length: dict[str, Counter]
    position_bias: Histogram


class BiasCounter:
    """Counts for one process; the first principles it meets are named, later ones are `other` together."""

    def __init__(self, *, most_principles: int = MOST_PRINCIPLES) -> None:
        self._most = most_principles
        self._principles: set[str] = set()
        self._series: dict[tuple[str, str, str], _Series] = {}

    def judged(self, work: Work, judgment: Judgment) -> None:
        """Count a judgment that was stored as ours; a hidden check only as that."""
        if work.check is not None:
            _count_check(work.check, judgment)
            return
        kind = Judging.by(judgment.provenance.model, work.preset, work.comparison.principle)
        counts = counts_of(judgment, work.comparison)
        self._count(kind, counts)
        if counts.measured:
            self._of(kind).position_bias.observe(counts.position_bias_micronats / MICRO)

    def failed(self, work: Work, *, model: str) -> None:
        """Count a failure that was stored as ours."""
        if work.check is not None:
            metrics.CHECKS.labels(work.check.kind, "failed").inc()
            return
        self._count(Judging.by(model, work.preset, work.comparison.principle), FAILED)

    def _count(self, kind: Judging, counts: BiasCounts) -> None:
        series = self._of(kind)
        for outcome, counter in series.pairs.items():
            counter.inc(getattr(counts, outcome))
        series.flips.inc(counts.flips)
        for slot, counter in series.readings.items():
            counter.inc(getattr(counts, f"chose_{slot}"))
        for winner, counter in series.length.items():
            counter.inc(getattr(counts, f"{winner}_won"))

    def _of(self, kind: Judging) -> _Series:
        labels = (kind.model or "", kind.preset.value, self._named(kind.label))
        if labels not in self._series:
            self._series[labels] = _Series(
                pairs={outcome: metrics.PAIRS.labels(*labels, outcome) for outcome in metrics.OUTCOMES},
                flips=metrics.FLIPS.labels(*labels),
                readings={slot: metrics.READINGS.labels(*labels, slot) for slot in metrics.SLOTS},
                length={winner: metrics.LENGTH_WINS.labels(*labels, winner) for winner in metrics.WINNERS},
                position_bias=metrics.POSITION_BIAS_NATS.labels(*labels),
            )
        return self._series[labels]

    def _named(self, label: str) -> str:
        if label not in self._principles and len(self._principles) < self._most:
            self._principles.add(label)
        return label if label in self._principles else OTHER


def _count_check(check: Check, judgment: Judgment) -> None:
    """A `repeat` is compared with its first judgment by the gateway, which alone has both."""
    if check.kind == "repeat":
        return
    right = judgment.verdict.value == check.better if check.kind == "gold" else not judgment.verdict.decided
    metrics.CHECKS.labels(check.kind, "right" if right else "wrong").inc()
