"""How far two judgments of the same pair by the same judge lie apart; no I/O, so every figure is a row in a test.

What does not come from the pairs but from the judge's own unsteadiness is the noise floor: a difference between two
models, prompts or presets that is not well above it has not been seen. It is one only between judgments of one judge:
where provenances differ, `Floor.differs_in` says in what, and the figures compare two judges.
"""

import hashlib
import math
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from selfref.bias import leaning
from selfref.deciding import Scale, decided_again
from selfref.messages import Judgment, Preset, Provenance, Verdict
from selfref.rejudging.shift import flips

_Z = 1.959963984540054  # standard normal quantile of 0.975
_SCALE = ("tie_width", "odds_temperature")  # parameters of how odds are read, not of who judged


class SameJudgment(Exception):
    """Two judgments with one id are one judgment, and say nothing about how steady the judge is."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What of a judgment is compared; no text."""

    id: str
    preset: Preset
    verdict: Verdict
    log_odds: float | None
    orders_agree: bool
    critiques: tuple[bytes, ...]
    references: tuple[bytes, ...]
    judge: str  # JSON of the provenance, without the scale
    scale: Scale

    @classmethod
    def of(cls, judgment: Judgment) -> Self:
        """A judgment without its texts."""
        orders = judgment.orders
        references = (judgment.reference, *(each.reference for each in orders))
        return cls(
            id=judgment.id,
            preset=judgment.preset,
            verdict=judgment.verdict,
            log_odds=judgment.log_odds,
            orders_agree=leaning(orders, first="A") == leaning(orders, first="B"),
            critiques=tuple(_digest(each.critique) for each in orders),
            references=tuple(_digest(each.text) for each in references if each is not None),
            judge=_judge(judgment.provenance),
            scale=Scale.of(judgment.provenance),
        )


@dataclass
class Figures:
    """Differences added up over pairs that were judged twice."""

    pairs: int = 0
    verdicts: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)  # first, again
    gaps: list[float] = field(default_factory=list)  # |difference of log_odds|, nats
    agreeing: list[int] = field(default_factory=lambda: [0, 0])  # pairs whose orders say the same: first, again
    same_critiques: int = 0  # pairs whose critiques are all the same text
    same_references: int = 0

    def add(self, first: Heard, again: Heard) -> None:
        """Count one pair."""
        self.pairs += 1
        self.verdicts[first.verdict, again.verdict] += 1
        if first.log_odds is not None and again.log_odds is not None:
            self.gaps.append(abs(first.log_odds - again.log_odds))
        self.agreeing[0] += first.orders_agree
        self.agreeing[1] += again.orders_agree
        self.same_critiques += first.critiques == again.critiques
        self.same_references += first.references == again.references

    def report(self) -> dict[str, Any]:
        """As JSON."""
        found = self.verdicts.items()
        both = sum(count for (one, other), count in found if one.decided and other.decided)
        return {
            "pairs": self.pairs,
            "verdicts_differ": share(sum(count for (one, other), count in found if one is not other), self.pairs),
            "flipped": share(sum(count for (one, other), count in found if flips(one, other)), both),
            "label_in_one_only": share(
                sum(count for (one, other), count in found if one.decided != other.decided), self.pairs
            ),
            "order_agreement": {
                "first": _part(self.agreeing[0], self.pairs),
                "again": _part(self.agreeing[1], self.pairs),
            },
            "log_odds": {
                "pairs": len(self.gaps),
                "mean_difference": math.fsum(self.gaps) / len(self.gaps) if self.gaps else None,
                "largest_difference": max(self.gaps, default=None),
            },
            "same_critiques": share(self.same_critiques, self.pairs),
            "same_references": share(self.same_references, self.pairs),
            "verdicts": {one.value: {other.value: self.verdicts[one, other] for other in Verdict} for one in Verdict},
        }


class Floor:
    """All pairs that were judged twice, and by preset."""

    def __init__(self) -> None:
        self.all = Figures()
        self.presets: dict[Preset, Figures] = {}
        self.identical = 0  # pairs of twice the same text, which no judge was asked about
        self.differs_in: dict[str, list[tuple[Any, Any]]] = {}  # of the provenance: every two values seen

    def add(self, first: Heard, again: Judgment) -> None:
        """Count a pair's second judgment, read on the scale of its first. Raises SameJudgment."""
        if first.id == again.id:
            raise SameJudgment(f"{again.id} was given twice: that is one judgment, not a second one")
        if not again.orders:
            self.identical += 1
            return
        second = Heard.of(decided_again(again, scale=first.scale))
        if second.judge != first.judge:
            self._note(orjson.loads(first.judge), orjson.loads(second.judge))
        for figures in (self.all, self.presets.setdefault(first.preset, Figures())):
            figures.add(first, second)

    def report(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "same_judge": not self.differs_in,
            "differs_in": {name: [list(values) for values in seen] for name, seen in self.differs_in.items()},
            "identical": self.identical,
            "all": self.all.report(),
            "presets": {preset.value: figures.report() for preset, figures in self.presets.items()},
        }

    def _note(self, first: Mapping[str, Any], again: Mapping[str, Any]) -> None:
        for name in sorted({*first, *again}):
            values = (first.get(name), again.get(name))
            seen = self.differs_in.setdefault(name, []) if values[0] != values[1] else None
            if seen is not None and values not in seen:
                seen.append(values)


def share(count: int, of: int) -> dict[str, Any]:
    """A share with its 95 % interval by Wilson's score, which holds where none or all were counted."""
    if not of:
        return {"count": count, "of": of, "share": None, "interval": None}
    middle, spread = count + _Z**2 / 2, _Z * math.sqrt(count * (of - count) / of + _Z**2 / 4)
    low, high = ((middle + sign * spread) / (of + _Z**2) for sign in (-1, 1))
    return {"count": count, "of": of, "share": count / of, "interval": [max(0.0, low), min(1.0, high)]}


def _part(count: int, of: int) -> float | None:
    return count / of if of else None


def _judge(provenance: Provenance) -> str:
    """Who judged, how, flat."""
    made = provenance.model_dump(mode="json", exclude={"calibration", "parameters"})
    parameters = {name: value for name, value in provenance.parameters.items() if name not in _SCALE}
    return sys.intern(orjson.dumps(made | parameters, option=orjson.OPT_SORT_KEYS).decode())  # most are equal


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
