"""Which pairs are left out together: by prompt, since pairs of one prompt are alike; no I/O."""

from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FOLDS = 10

Places: TypeAlias = NDArray[np.intp]


def folds_of(prompts: Sequence[Hashable], *, count: int, seed: int) -> Places:
    """The fold of every pair, (pairs,), in 0 to `count` - 1; pairs of equal prompts are in the same one.

    Prompts are dealt in a seeded order, each to the fold that has the fewest pairs.
    """
    members: dict[Hashable, list[int]] = {}
    for place, prompt in enumerate(prompts):
        members.setdefault(prompt, []).append(place)
    groups = list(members.values())
    found = np.zeros(len(prompts), dtype=np.intp)
    sizes = [0] * count
    for group in np.random.default_rng(seed).permutation(len(groups)):
        smallest = sizes.index(min(sizes))
        found[groups[group]] = smallest
        sizes[smallest] += len(groups[group])
    return found
