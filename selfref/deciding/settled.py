"""Whether more critiques could still change what a pair's readings amount to; no I/O, so every rule is a row in a test.

The stopping rule of votes `auto`. A pair is settled once both orders lean to the same answer clearly, or once each
insists on another: then they contradict each other for good. What the rule saves, and what it costs, is measured in
docs/quality.md. Exchanging the answers changes nothing here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import Literal

from selfref.deciding.scale import Scale
from selfref.deciding.strength import mean
from selfref.deciding.verdict import lean
from selfref.messages import OrderReading, Verdict

SPREAD = 1.0  # nats by which the readings of an order are taken to differ, until they are seen to differ more
INSISTENCE = 3  # readings that each order needs to contradict the other for good; to agree, one is enough


@dataclass(frozen=True, slots=True)
class _Leaning:
    """One order as it stands."""

    towards: Literal["A", "B"] | None  # None: not clear
    insists: bool


def settled(readings: Sequence[OrderReading], *, scale: Scale, left: int) -> bool:
    """True where none of the `left` critiques that each order may still have is worth asking for.

    As in `decide`, odds count where both orders have some, else votes.
    """
    if left == 0:
        return True
    a_first, b_first = _odds(readings, "A"), _odds(readings, "B")
    if a_first and b_first:
        return _both_settled(*(_by_odds(odds, tie_width=scale.tie_width) for odds in (a_first, b_first)))
    leads = (_lead(readings, first, tie_width=scale.tie_width) for first in ("A", "B"))
    return _both_settled(*(_by_votes(lead, left=left) for lead in leads))


def _both_settled(a_first: _Leaning, b_first: _Leaning) -> bool:
    if a_first.towards is None or b_first.towards is None:
        return False
    return a_first.towards == b_first.towards or (a_first.insists and b_first.insists)


def _by_odds(odds: Sequence[float], *, tie_width: float) -> _Leaning:
    """Clear once the mean lies beyond the tie width by its standard error, which one reading alone does not show."""
    spread = max(SPREAD, stdev(odds)) if len(odds) > 1 else SPREAD
    middle = mean(odds)
    if abs(middle) <= tie_width + spread / math.sqrt(len(odds)):
        return _Leaning(None, insists=False)
    return _Leaning("A" if middle > 0 else "B", insists=len(odds) >= INSISTENCE)


def _by_votes(lead: int, *, left: int) -> _Leaning:
    """Clear once one answer leads; it insists by a lead that is large, or that the `left` votes cannot make up for."""
    if lead == 0:
        return _Leaning(None, insists=False)
    return _Leaning("A" if lead > 0 else "B", insists=abs(lead) >= INSISTENCE or abs(lead) > left)


def _odds(readings: Sequence[OrderReading], first: str) -> list[float]:
    return [one.log_odds_a for one in readings if one.first == first and one.log_odds_a is not None]


def _lead(readings: Sequence[OrderReading], first: str, *, tie_width: float) -> int:
    """Votes by which A leads B in this order; a reading that has odds all the same votes as they lean."""
    votes = [
        Verdict(one.verdict) if one.log_odds_a is None else lean(one.log_odds_a, tie_width=tie_width)
        for one in readings
        if one.first == first
    ]
    return votes.count(Verdict.A) - votes.count(Verdict.B)
