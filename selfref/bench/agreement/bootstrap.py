"""How far a figure could have come out otherwise: the percentile bootstrap over pairs (Efron, 1979); no I/O.

A pair with all its arms is one draw, so that a difference between two arms is taken on the same pairs in every
resample. An interval speaks for the draw of pairs alone, not for another training run. Where every pair of a group has
the same outcome, every resample has it too and the interval has no width: it means "nothing else was seen", not
certainty.
"""

from collections.abc import Iterator

import numpy as np

from selfref.bench.agreement.scoring import Array

LEVEL = 0.95
RESAMPLES = 2000  # the ends of a 95 % interval then move by about a twentieth of its width from seed to seed
_MOST_WEIGHTS = 4_000_000  # in memory at once; 8 bytes each


def resamples(pairs: int, *, count: int, seed: int) -> Iterator[Array]:
    """`count` resamples of `pairs` pairs as weights, in blocks of (some, pairs): how often each pair was drawn."""
    random = np.random.default_rng(seed)
    block = max(1, _MOST_WEIGHTS // max(1, pairs))
    for start in range(0, count, block):
        size = min(block, count - start)
        yield random.multinomial(pairs, np.full(pairs, 1 / pairs), size=size).astype(float)


def interval(values: Array, *, level: float = LEVEL) -> tuple[float, float] | None:
    """The middle `level` of the resamples' values, (resamples,); those without a value (NaN) are left out.

    None where no resample has one.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, high = np.quantile(known, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
