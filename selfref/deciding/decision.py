"""One decision from all readings of a pair, each of which is already in terms of the caller's own A and B."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from selfref.deciding.scale import Scale
from selfref.deciding.strength import mean, probability, strength
from selfref.deciding.verdict import count_votes, lean, majority, position_bias, reconcile, reconcile_votes
from selfref.messages import OrderReading, Preset, Verdict, VoteCounts

_LETTERS: dict[Verdict, Literal["A", "B", "tie"]] = {Verdict.A: "A", Verdict.B: "B", Verdict.TIE: "tie"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a pair's readings amount to; odds and what follows are None where an order has none."""

    verdict: Verdict
    readings: tuple[OrderReading, ...]  # with the verdict that each leans to on this scale
    votes: VoteCounts
    log_odds: float | None = None
    position_bias: float | None = None
    probability_a: float | None = None
    strength: float | None = None

    def told(self) -> dict[str, Any]:
        """As fields of a judgment."""
        return {
            "verdict": self.verdict,
            "probability_a": self.probability_a,
            "strength": self.strength,
            "log_odds": self.log_odds,
            "position_bias": self.position_bias,
            "orders": self.readings,
            "votes": self.votes,
        }

    @property
    def odds_oppose(self) -> bool:
        """Can happen to a majority only: three weak votes against one strong one. Such a preference has no strength."""
        return self.log_odds is not None and _oppose(self.verdict, self.log_odds)


def decide(preset: Preset, readings: Sequence[OrderReading], *, scale: Scale) -> Decision:
    """Decide by the preset's rule. A reading without odds keeps its verdict; others lean as the scale says."""
    leaning = tuple(_leaning(reading, tie_width=scale.tie_width) for reading in readings)
    votes = [Verdict(reading.verdict) for reading in leaning]
    counts = count_votes(votes)
    paper = preset is Preset.PAPER
    voted = majority(votes) if paper else reconcile_votes(_votes(leaning, "A"), _votes(leaning, "B"))
    a_first_odds, b_first_odds = _odds(leaning, "A"), _odds(leaning, "B")
    if not a_first_odds or not b_first_odds:
        return Decision(voted, leaning, counts)
    a_first, b_first = mean(a_first_odds), mean(b_first_odds)
    odds = mean([a_first, b_first])
    probability_a = probability(odds, temperature=scale.temperature)
    verdict = voted if paper else reconcile(a_first, b_first, tie_width=scale.tie_width)
    return Decision(
        verdict,
        leaning,
        counts,
        log_odds=odds,
        position_bias=position_bias(a_first, b_first),
        probability_a=probability_a,
        strength=0.0 if _oppose(verdict, odds) else strength(probability_a),
    )


def _leaning(reading: OrderReading, *, tie_width: float) -> OrderReading:
    if reading.log_odds_a is None:
        return reading
    verdict = _LETTERS[lean(reading.log_odds_a, tie_width=tie_width)]
    return reading if reading.verdict == verdict else reading.model_copy(update={"verdict": verdict})


def _votes(readings: Sequence[OrderReading], first: Literal["A", "B"]) -> list[Verdict]:
    return [Verdict(reading.verdict) for reading in readings if reading.first == first]


def _odds(readings: Sequence[OrderReading], first: Literal["A", "B"]) -> list[float]:
    odds = [reading.log_odds_a for reading in readings if reading.first == first]
    return [value for value in odds if value is not None]


def _oppose(verdict: Verdict, odds: float) -> bool:
    return (verdict is Verdict.A and odds < 0) or (verdict is Verdict.B and odds > 0)
