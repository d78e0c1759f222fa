"""What comes before or after in a sequence that goes round: days, months; and the letters, which do not."""

from collections.abc import Sequence
from random import Random
from string import ascii_lowercase

from littleworld.world.question import SHORT_ANSWERS, Question

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_STEPS = {1: "", 2: "two", 3: "three"}

_WORDINGS = (
    "Which {unit} comes {steps} {way} {start}?",
    "What {unit} is {steps} {way} {start}?",
    "Tell me the {unit} {steps} {way} {start}.",
    "Name the {unit} that is {steps} {way} {start}.",
)
_LETTERS = (
    "Which letter comes {way} {start}?",
    "What is the letter {way} {start}?",
    "Tell me the letter {way} {start}.",
    "In the alphabet, what comes {way} {start}?",
)


def days(random: Random) -> Question:
    """One to three days before or after a day."""
    return _around("days", DAYS, unit="day", random=random)


def months(random: Random) -> Question:
    """One to three months before or after a month."""
    return _around("months", MONTHS, unit="month", random=random)


def letters(random: Random) -> Question:
    """The neighbour of a letter."""
    way = random.choice(("after", "before"))
    start = random.randint(0, 24) if way == "after" else random.randint(1, 25)
    step = 1 if way == "after" else -1
    wording = random.choice(_LETTERS)
    others = [start + 2 * step, start - step, start + 3 * step]
    return Question(
        family="letters",
        content=f"{way} {ascii_lowercase[start]} {_LETTERS.index(wording)}",
        text=wording.format(way=way, start=ascii_lowercase[start]),
        value=ascii_lowercase[start + step],
        sentences=(f"The letter {{}} comes {way} {ascii_lowercase[start]}.", *SHORT_ANSWERS),
        near_misses=tuple(ascii_lowercase[place] for place in others if 0 <= place < len(ascii_lowercase)),
    )


def _around(family: str, ring: Sequence[str], *, unit: str, random: Random) -> Question:
    """A question about a place in the ring; the wording belongs to the content, since there are few places."""
    start, steps, way = random.randrange(len(ring)), random.choice(tuple(_STEPS)), random.choice(("after", "before"))
    end = start + steps if way == "after" else start - steps
    wording = random.choice(_WORDINGS)
    said = f"{_STEPS[steps]} {unit}s" if steps > 1 else "right"
    return Question(
        family=family,
        content=f"{way} {steps} {ring[start]} {_WORDINGS.index(wording)}",
        text=wording.format(unit=unit, steps=said, way=way, start=ring[start]),
        value=ring[end % len(ring)],
        sentences=("It is {}.", *SHORT_ANSWERS),
        near_misses=tuple(ring[(end + slip) % len(ring)] for slip in (-1, 1, 2)),
    )
