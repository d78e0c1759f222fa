"""What a worker holds while it judges a pair."""

from dataclasses import dataclass
from enum import StrEnum

from selfref.messages import Lane, Work


class Standing(StrEnum):
    """What a renewal found."""

    HELD = "held"
    LOST = "lost"  # the lease ran out and another worker took over, or the pair has ended already
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Claim:
    """A pair to judge. `attempts` counts tries that failed before; `deliveries` counts workers, this one included,
    that took the pair and did not give it back."""

    work: Work
    lane: Lane
    shard: int
    entry_id: str
    consumer: str
    attempts: int
    deliveries: int
