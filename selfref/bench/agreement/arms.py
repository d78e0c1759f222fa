"""The name of an arm: what is compared and, behind an `@`, how many critiques it takes in each order.

`direct`, `direct@8`, `direct@auto`, `direct@auto:4` (at most 4 in each order).
"""

from dataclasses import dataclass
from typing import Literal

from selfref.client.conversations import How
from selfref.messages import DEFAULT_MAX_VOTES, MAX_VOTES


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm's name, read."""

    name: str  # of what is asked
    votes: int | Literal["auto"] | None = None  # None: whatever comes without saying
    budget: int | None = None  # critiques per order, where `auto` has one of its own

    @property
    def most(self) -> int:
        """Critiques in each order that it may take."""
        return (self.budget or DEFAULT_MAX_VOTES) if self.votes == "auto" else self.votes or 1

    def how(self, how: How) -> How:
        """How the service is asked, `how` being how without votes."""
        if self.votes is None:
            return how
        voted = How(**how, votes=self.votes)
        return voted if self.budget is None else How(**voted, max_votes=self.budget)


def read_arm(text: str) -> Arm:
    """Raises ValueError, with words for who typed it."""
    name, at, votes = text.partition("@")
    if not at:
        return Arm(name)
    voted, colon, budget = votes.partition(":")
    if voted == "auto":
        return Arm(name, votes="auto", budget=_count(budget, of=text) if colon else None)
    return Arm(name, votes=_count(votes, of=text))


def _count(text: str, *, of: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_VOTES:
        return int(text)
    raise ValueError(f"{of!r}: behind the @ stands a number from 1 to {MAX_VOTES}, or auto, or auto:NUMBER")
