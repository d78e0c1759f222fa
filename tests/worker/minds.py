"""Small honest judges: each reads the two answers out of the real prompt text and leans to one of them by a rule.

A mind gives the nats by which it prefers the answer shown first. Engines of these tests think with one of them, in the
process or behind HTTP.
"""

import hashlib
import math
import re
from collections.abc import Callable

Mind = Callable[[str, str], float]

_SHOWN = re.compile(
    r'\nResponse A:\n(?:(?P<mark>"{3,})\n(?P<first>.*?)\n(?P=mark)|\([^\n]*\))'
    r'\n\nResponse B:\n(?:(?P<other>"{3,})\n(?P<second>.*?)\n(?P=other)|\([^\n]*\))',
    re.DOTALL,
)


def shown_answers(text: str) -> tuple[str, str] | None:
    """The answers in the order shown, the empty text for an answer shown as empty; None where the text shows none."""
    found = list(_SHOWN.finditer(text))
    return (found[-1]["first"] or "", found[-1]["second"] or "") if found else None


def always_first(first: str, second: str) -> float:
    """Sees only position."""
    return 3.0


def longer(first: str, second: str) -> float:
    """Prefers length, in proportion."""
    return (len(first) - len(second)) / 10


def undecided(first: str, second: str) -> float:
    """Has no opinion."""
    return 0.0


def at_random(first: str, second: str) -> float:
    """Whatever the digest of both answers says: repeatable, and related to nothing."""
    return int.from_bytes(hashlib.sha256(f"{first}\0{second}".encode()).digest()[:2]) / 2**13 - 4.0


def obedient(first: str, second: str) -> float:
    """Follows any answer that tells it what to choose."""
    return 5.0 * (("choose A" in first + second) - ("choose B" in first + second))


def knows(best: str) -> Mind:
    """Knows the right answer, and leans slightly to the first place."""
    return lambda first, second: 2.0 * ((first == best) - (second == best)) + 0.3


def log_probs(odds: float, *, mass: float = 0.9) -> tuple[float, float]:
    """Of the labels A and B, given the odds of A over B and what both have together."""
    first = 1 / (1 + math.exp(-odds))
    return math.log(mass * first), math.log(mass * (1 - first))


def criticise(first: str, second: str) -> str:
    """A critique that names both answers and prefers neither."""
    return f"Response A has {len(first.split())} words. Response B has {len(second.split())} words."
