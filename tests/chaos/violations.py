"""A broken promise, said in a sentence."""

from dataclasses import dataclass
from enum import StrEnum


class Promise(StrEnum):
    """What is promised (docs/architecture.md); `OTHER` is for answers that are no part of this API, and for crashes."""

    P1 = "P1"  # every accepted pair ends in exactly one final state, every line of an upload in exactly one place
    P2 = "P2"  # at most one label per pair, and it never changes
    P3 = "P3"  # the feed replayed from zero equals the union of judged pairs
    P4 = "P4"  # counts add up
    P5 = "P5"  # a trainer killed anywhere has every label once
    P6 = "P6"  # no tenant with work waits while another has more than its share
    P7 = "P7"  # after a cancel no new engine call starts later than 2 s
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Violation:
    """Which promise, and how it was broken, ids named."""

    promise: Promise
    sentence: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.sentence}"
