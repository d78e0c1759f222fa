"""Asks the service about every pair in every arm; computes and prints nothing."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from littleworld.world.pairs import Pair, decided_pairs
from littleworld.world.question import Split
from selfref.bench.agreement.rows import Row, failed, judged
from selfref.client import AsyncClient, JudgmentCanceled, JudgmentFailed, StillWaiting
from selfref.client.conversations import How
from selfref.messages import Preset, Provenance

PATIENCE = 3600.0  # seconds until a pair counts as failed; a slow engine has the others to judge meanwhile
STILL_WAITING = "still_waiting"  # the failure of a pair that was not judged by then


class Arm(StrEnum):
    """What is compared: a preset, or preset `reference` with a reference that is known to be right or wrong."""

    DIRECT = "direct"
    SELF_REFERENCE = "self-reference"
    REFERENCE = "reference"  # the gold reference
    WRONG_REFERENCE = "wrong-reference"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Asked:
    """One pair in one arm, and the provenance of its judgment, if it has one."""

    row: Row
    provenance: Provenance | None = None


def pairs_of(world: Split, *, count: int, seed: int) -> list[Pair]:
    """The first `count` pairs of this side of the world; the families take turns."""
    return list(islice(decided_pairs(seed, world), count))


def how(arm: Arm, pair: Pair) -> How:
    """How the service is asked to judge the pair in this arm."""
    match arm:
        case Arm.REFERENCE:
            return How(principle=pair.principle, preset=Preset.REFERENCE, reference=pair.right_reference)
        case Arm.WRONG_REFERENCE:
            return How(principle=pair.principle, preset=Preset.REFERENCE, reference=pair.wrong_reference)
        case Arm.DIRECT | Arm.SELF_REFERENCE | Arm.PAPER:
            return How(principle=pair.principle, preset=Preset(arm.value))


async def ask_all(
    client: AsyncClient, pairs: Sequence[Pair], arms: Sequence[Arm], *, at_once: int, done: Callable[[], None]
) -> dict[Arm, list[Asked]]:
    """What every arm makes of every pair, in the order of the pairs; `at_once` judgments are waited for at a time.

    A pair's arms are asked one after another, so that all arms see the machine in the same state. A pair that ends
    without a judgment is a failed row. Raises the errors of `selfref.client` that say that the service is not there or
    does not take such requests.
    """
    found: dict[tuple[Arm, int], Asked] = {}
    left = iter([(arm, place) for place in range(len(pairs)) for arm in arms])
    asking = [
        asyncio.create_task(_ask(client, pairs, left, found=found, done=done))
        for _ in range(min(at_once, len(pairs) * len(arms)))
    ]
    try:
        await asyncio.gather(*asking)
    finally:
        for task in asking:  # those that an error of another one left behind
            task.cancel()
    return {arm: [found[arm, place] for place in range(len(pairs))] for arm in arms}


async def _ask(
    client: AsyncClient,
    pairs: Sequence[Pair],
    left: Iterator[tuple[Arm, int]],
    *,
    found: dict[tuple[Arm, int], Asked],
    done: Callable[[], None],
) -> None:
    for arm, place in left:
        found[arm, place] = await _judged(client, pairs[place], arm)
        done()


async def _judged(client: AsyncClient, pair: Pair, arm: Arm) -> Asked:
    try:
        judgment = await client.judge(pair.question.text, pair.a.text, pair.b.text, timeout=PATIENCE, **how(arm, pair))
    except (JudgmentFailed, JudgmentCanceled) as ending:
        return Asked(failed(pair, ending.code))
    except StillWaiting:
        return Asked(failed(pair, STILL_WAITING))
    return Asked(judged(pair, judgment), judgment.provenance)
