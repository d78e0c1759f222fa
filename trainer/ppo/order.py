"""Which prompts an update takes and what it draws with: functions of seed and update, so no state has to be kept."""

from itertools import islice
from random import Random


def prompts_of_update(update: int, *, batch: int, prompts: int, seed: int) -> list[int]:
    """Indices of an update's prompts, (batch,). Updates count from 1.

    Every pass over the prompts is a permutation of its own; an update may take the rest of one and begin the next.
    """
    first = (update - 1) * batch
    passes = range(first // prompts, (first + batch - 1) // prompts + 1)
    orders = (index for number in passes for index in _permutation(number, prompts=prompts, seed=seed))
    skipped = first % prompts
    return list(islice(orders, skipped, skipped + batch))


def seed_of_update(update: int, *, seed: int) -> int:
    """What torch's generator starts an update with."""
    return Random(f"{seed}, update {update}").getrandbits(63)  # noqa: S311 - draws of answers, not secrets


def _permutation(number: int, *, prompts: int, seed: int) -> list[int]:
    indices = list(range(prompts))
    Random(f"{seed}, pass {number}").shuffle(indices)  # noqa: S311 - as above
    return indices
