"""Is a judgment what its own readings amount to; no I/O, so every rule is a row in a test.

Two things are stored twice, and so can be held against each other: a reading's log-odds are the log-ratio of its two
semantic perplexities, which are the judge's raw log-probabilities; and verdict, probability, strength and votes are
what the readings come to on the scale that the provenance names.
"""

import math
from collections.abc import Iterable

from selfref.deciding import Scale, decided_again
from selfref.deciding.strength import LARGEST_NLL
from selfref.messages import Judgment, OrderReading

ODDS_TOLERANCE = 1e-9  # nats; exp and log of doubles lose about 1e-13 up to the largest perplexity that is written
_LAST_DIGITS = 1e-12  # two machines' exp may differ in these
_DECIDED = ("verdict", "probability_a", "strength", "log_odds", "position_bias", "orders", "votes", "flags")


def rederived(judgment: Judgment) -> Judgment:
    """What the readings amount to on the judgment's own scale."""
    return decided_again(judgment, scale=Scale.of(judgment.provenance))


def differing(stored: Judgment, again: Judgment) -> tuple[str, ...]:
    """The names of what a decision says, where the two say otherwise."""
    return tuple(name for name in _DECIDED if not _same(getattr(stored, name), getattr(again, name)))


def odds_gaps(readings: Iterable[OrderReading]) -> list[float]:
    """|log-odds - log-ratio of the perplexities|, nats, of every reading that has both.

    A perplexity at its upper end is left out: what was less probable than that was written down as that.
    """
    return [
        abs(reading.log_odds_a - math.log(said.b) + math.log(said.a))
        for reading in readings
        if reading.log_odds_a is not None
        and (said := reading.semantic_perplexity) is not None
        and max(said.a, said.b) < math.exp(LARGEST_NLL)
    ]


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_LAST_DIGITS, abs_tol=_LAST_DIGITS)
    return one == other
