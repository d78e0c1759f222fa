"""Arithmetic that fits into two digits: the content is the operation and its operands, whichever is named first."""

from random import Random

from littleworld.world.question import SHORT_ANSWERS, Question

LARGEST_OPERAND = 30
LARGEST_COMPARED = 99
_SLIPS = (-10, -2, -1, 1, 2, 10)  # how far off somebody is who nearly got it right

_SUMS = ("What is {a} + {b}?", "What is {a} plus {b}?", "How much is {a} + {b}?", "Add {a} and {b}.")
_DIFFERENCES = ("What is {a} - {b}?", "What is {a} minus {b}?", "How much is {a} - {b}?", "Take {b} away from {a}.")
_COMPARING = (
    "Which number is {more}, {a} or {b}?",
    "Tell me which is {more}: {a} or {b}?",
    "Is {a} or {b} the {more} number?",
    "Of {a} and {b}, which one is {more}?",
)


def sums(random: Random) -> Question:
    """Two numbers added."""
    a, b = random.randint(2, LARGEST_OPERAND), random.randint(2, LARGEST_OPERAND)
    content = f"{min(a, b)} + {max(a, b)}"
    return _arithmetic("sums", content, random.choice(_SUMS), a=a, b=b, sign="+", result=a + b)


def differences(random: Random) -> Question:
    """A number taken from one that is at least as large."""
    b, result = random.randint(2, LARGEST_OPERAND), random.randint(0, LARGEST_OPERAND)
    a = b + result
    return _arithmetic("differences", f"{a} - {b}", random.choice(_DIFFERENCES), a=a, b=b, sign="-", result=result)


def comparing(random: Random) -> Question:
    """The larger or the smaller of two numbers."""
    a, b = random.sample(range(1, LARGEST_COMPARED + 1), 2)
    more = random.choice(("larger", "smaller"))
    right, wrong = (max(a, b), min(a, b)) if more == "larger" else (min(a, b), max(a, b))
    return Question(
        family="comparing",
        content=f"{more} {right} {wrong}",
        text=random.choice(_COMPARING).format(a=a, b=b, more=more),
        value=str(right),
        sentences=(f"{{}} is {more}.", *SHORT_ANSWERS),
        near_misses=(str(wrong),),
    )


def _arithmetic(family: str, content: str, wording: str, *, a: int, b: int, sign: str, result: int) -> Question:
    return Question(
        family=family,
        content=content,
        text=wording.format(a=a, b=b),
        value=str(result),
        sentences=(f"{a} {sign} {b} is {{}}.", *SHORT_ANSWERS),
        near_misses=tuple(str(result + slip) for slip in _SLIPS if result + slip >= 0),
    )
