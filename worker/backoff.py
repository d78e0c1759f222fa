"""How long to wait before the next try: doubling bounds with full jitter, so that those who failed together part.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

import itertools
import random
from collections.abc import Callable, Iterator

Uniform = Callable[[float, float], float]


def full_jitter(tries: int, *, first: float, longest: float, uniform: Uniform = random.uniform) -> float:
    """Seconds to wait after `tries` failed tries before this one: anything up to `first` doubled so often."""
    return uniform(0.0, min(longest, first * 2.0 ** min(tries, 32)))


def pauses(*, first: float, longest: float) -> Iterator[float]:
    """Seconds to wait before the second try, the third, and so on for ever."""
    for tries in itertools.count():
        yield full_jitter(tries, first=first, longest=longest)
