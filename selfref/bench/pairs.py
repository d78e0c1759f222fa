"""Pairs whose better answer is known, so that a judge of words can be checked: the better one carries GOOD."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

_WORDS = ("river", "engine", "letter", "garden", "winter", "signal", "copper", "window", "number", "market")


@dataclass(frozen=True, slots=True)
class Pair:
    """One request body's texts and the verdict that an honest judge gives."""

    prompt: str
    answer_a: str
    answer_b: str
    better: str  # "A" or "B"


def pairs(count: int, *, seed: int = 0, words: int = 60) -> Iterator[Pair]:
    """`count` pairs with prompts of their own, `words` words an answer, the better one in either slot."""
    drawn = random.Random(seed)  # noqa: S311  (texts, not secrets)
    for number in range(count):
        good, bad = (" ".join(drawn.choices(_WORDS, k=words)) for _ in range(2))
        good = f"GOOD {good}"
        better = drawn.choice("AB")
        first, second = (good, bad) if better == "A" else (bad, good)
        yield Pair(f"Question {seed}-{number}: what do you know of it?", first, second, better)
