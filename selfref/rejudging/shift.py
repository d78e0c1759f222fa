"""What changes when the same judgments are decided on another scale; no I/O."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from selfref.messages import Judgment, Verdict


@dataclass
class Shift:
    """Verdicts before and after, and how far probabilities moved, added up over judgments."""

    verdicts: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)  # before, after
    moved: float = 0.0  # sum of |change of probability_a|
    measured: int = 0  # judgments that have a probability
    farthest: float = 0.0

    def add(self, before: Judgment, after: Judgment) -> None:
        """Count one judgment."""
        self.verdicts[before.verdict, after.verdict] += 1
        if before.probability_a is None or after.probability_a is None:
            return
        change = abs(after.probability_a - before.probability_a)
        self.measured += 1
        self.moved += change
        self.farthest = max(self.farthest, change)

    def report(self) -> dict[str, Any]:
        """As JSON. A label is there where the verdict is A or B."""
        pairs = self.verdicts.items()
        return {
            "verdicts": {
                one.value: {other.value: self.verdicts[one, other] for other in Verdict} for one in Verdict
            },  # before, after
            "labels_before": sum(count for (one, _), count in pairs if one.decided),
            "labels_after": sum(count for (_, other), count in pairs if other.decided),
            "appeared": sum(count for (one, other), count in pairs if not one.decided and other.decided),
            "disappeared": sum(count for (one, other), count in pairs if one.decided and not other.decided),
            "flipped": sum(count for (one, other), count in pairs if flips(one, other)),
            "probabilities": self.measured,
            "mean_probability_change": self.moved / self.measured if self.measured else None,
            "largest_probability_change": self.farthest if self.measured else None,
        }


def flips(one: Verdict, other: Verdict) -> bool:
    """True where one prefers A and the other B."""
    return one.decided and other is not one and other is one.swapped
