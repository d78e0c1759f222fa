"""Which examples the judge is trained on, without end, in batches of examples of similar length."""

from collections.abc import Iterator
from random import Random

import torch
from torch import Tensor

from littleworld.critique import reference_critique
from littleworld.drills import Drills
from littleworld.recipe import Recipe
from littleworld.turns import NOTHING, Example, Turns
from littleworld.world.families import FAMILIES, draw
from littleworld.world.pairs import draw_pair
from littleworld.world.question import Split

QUESTIONS = 5  # in a chat of plain answering; its length is then that of a judgment
ANSWERING = (0.5, 0.2)  # share of such chats at the start of a run and from its middle on: who judges must know
DRILLED = 0.03  # share of each drill after its own steps, so that it is not forgotten
WRONG_REFERENCE = 0.1  # of the judgments that follow a reference
DIRECT = 0.5  # of all judgments have no reference, so that this arm of the ablation is not starved
WEIGHTS = {"sums": 3, "differences": 3, "days": 2, "months": 2, "copying": 2, "lists": 2, "where": 2}  # others: 1
POOL = 16  # batches that are sorted by length together

_NAMES = tuple(FAMILIES)
_WEIGHTS = tuple(WEIGHTS.get(name, 1) for name in _NAMES)


def texts(seed: int, count: int) -> Iterator[str]:
    """What a tokenizer learns its words from: `count` training pairs and their critiques."""
    random = Random(seed)
    for _ in range(count):
        pair = draw_pair(random, Split.TRAIN)
        yield from (f" {pair.question.text}", f" {pair.right_reference}", f" {pair.wrong_reference}")
        yield from (
            pair.a.text,
            pair.b.text,
            f" {pair.principle}",
            f" {reference_critique(pair, wrong_reference=True)}",
        )


def batches(turns: Turns, drills: Drills, recipe: Recipe, *, skip: int) -> Iterator[list[Example]]:
    """The run's batches in order, less the first `skip` of them, so that a run can go on where it stopped."""
    for first in range(0, recipe.steps, POOL):
        if first + POOL <= skip:
            continue
        random = Random(f"{recipe.seed}:{first}")
        drawn = [_example(turns, drills, random, recipe, step=first) for _ in range(POOL * recipe.batch)]
        drawn.sort(key=lambda example: len(example.tokens))
        ready = [drawn[start : start + recipe.batch] for start in range(0, len(drawn), recipe.batch)]
        random.shuffle(ready)
        yield from ready[max(0, skip - first) :]


def answering_share(progress: float) -> float:
    """Share of chats of plain answering when this much of the run, in [0, 1], is over."""
    start, end = ANSWERING
    return start + (end - start) * min(1.0, 2 * progress)


def _example(turns: Turns, drills: Drills, random: Random, recipe: Recipe, *, step: int) -> Example:
    if step < recipe.repeating_steps or random.random() < DRILLED:
        return drills.repeating(random)
    if step < recipe.repeating_steps + recipe.comparing_steps or random.random() < DRILLED:
        return drills.comparing(random)
    if random.random() < answering_share(step / recipe.steps):
        return turns.answering([draw(_family(random), random, Split.TRAIN) for _ in range(QUESTIONS)])
    pair = draw_pair(random, Split.TRAIN, families=(_family(random),))
    if random.random() < DIRECT:
        return turns.judging_directly(pair)
    wrong = random.random() < WRONG_REFERENCE
    return turns.judging(pair, reference=pair.wrong_reference if wrong else pair.right_reference)


def _family(random: Random) -> str:
    return random.choices(_NAMES, weights=_WEIGHTS)[0]


def tensors(batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens and targets, (examples, longest), and the probability of A, (examples,); padded at the right."""
    width = max(len(example.tokens) for example in batch)
    tokens = torch.zeros((len(batch), width), dtype=torch.long)
    targets = torch.full((len(batch), width), NOTHING)
    for row, example in enumerate(batch):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        targets[row, : len(example.targets)] = torch.tensor(example.targets)
    return tokens, targets, torch.tensor([example.probability_a for example in batch])
