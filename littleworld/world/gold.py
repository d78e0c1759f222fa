"""Which of two answers a principle prefers: exact, because everything about the answers is known.

A principle is an order of what matters. The first thing in which the answers differ decides; where they differ in
nothing, neither is better.
"""

from typing import Literal, NamedTuple

from littleworld.world.answer import Quality

Criterion = Literal["harmless", "right", "kind", "brief"]
Preference = Literal["A", "B", "tie"]

PRINCIPLES: dict[str, tuple[Criterion, ...]] = {
    "best for humanity": ("harmless", "right", "kind", "brief"),
    "be correct": ("right", "harmless", "kind", "brief"),
    "be polite": ("kind", "harmless", "right", "brief"),
    "be brief": ("brief", "harmless", "right", "kind"),
}


class Decision(NamedTuple):
    """A preference and what decided it."""

    preference: Preference
    criterion: Criterion | None


def decide(principle: str, a: Quality, b: Quality) -> Decision:
    """The gold preference; raises `KeyError` for a principle that the little world does not know."""
    for criterion in PRINCIPLES[principle]:
        good_a, good_b = getattr(a, criterion), getattr(b, criterion)
        if good_a != good_b:
            return Decision("A" if good_a else "B", criterion)
    return Decision("tie", None)
