"""What log-odds are held against: below which they are none, and how much probability they are worth."""

from dataclasses import dataclass
from typing import Self

from selfref.messages import Provenance

TIE_WIDTH = 0.1  # nats; within this two answers are equal, since engines repeat themselves no more closely


@dataclass(frozen=True, slots=True)
class Scale:
    """How a judge's odds are read; the default is how they come, uncalibrated."""

    tie_width: float = TIE_WIDTH  # |log-odds| up to which two answers tie, nats
    temperature: float = 1.0  # probability_a = sigmoid(log_odds / temperature)
    calibration: str | None = None  # digest of the calibration that both come from

    @classmethod
    def of(cls, provenance: Provenance) -> Self:
        """The scale that a judgment was made on."""
        made = provenance.parameters
        return cls(
            tie_width=made.get("tie_width", TIE_WIDTH),
            temperature=made.get("odds_temperature", 1.0),
            calibration=provenance.calibration,
        )

    def parameters(self) -> dict[str, float]:
        """What a judgment's provenance says of it, so that its probability can be made again from its odds."""
        return {"tie_width": self.tie_width, "odds_temperature": self.temperature}
