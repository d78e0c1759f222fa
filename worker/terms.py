"""On what terms a worker holds pairs: how many, for how long, and how often each may be tried."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Durations are seconds."""

    consumer: str  # this process's name in the consumer groups, never used by another
    concurrency: int  # most judgments in flight
    lease: float  # a worker silent for this long has lost its pairs
    max_attempts: int
    max_deliveries: int
    retention: float  # how long a finished judgment can be read
    stop_patience: float = 10.0  # how long a stopping worker waits for the store to take its last results

    @property
    def heartbeat(self) -> float:
        """Between renewals; also how soon a cancellation is seen."""
        return min(self.lease / 3, 1.0)

    @property
    def chores(self) -> float:
        """Between looks for delayed work and for leases that ran out."""
        return min(self.lease / 10, 1.0)
