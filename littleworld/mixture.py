"""Which examples the judge is trained on, without end, in batches of examples of similar length."""

from collections.abc import Iterator
from random import Random

import torch
from torch import Tensor

from littleworld.pairs import Pair, draw_pair
from littleworld.question import Split
from littleworld.turns import NOTHING, Example, Turns

ANSWERING = 0.10
JUDGING = 0.41  # after a right reference of its own
JUDGING_WRONG = 0.04  # after a wrong one; together with JUDGING as often as directly, so that no arm is starved
DIRECT = 0.45
POOL = 16  # batches that are sorted by length together


def texts(seed: int, count: int) -> Iterator[str]:
    """What a tokenizer learns its words from: `count` training pairs and their critiques."""
    from littleworld.critique import reference_critique

    random = Random(seed)
    for _ in range(count):
        pair = draw_pair(random, Split.TRAIN)
        yield from (f" {pair.question.text}", f" {pair.right_reference}", f" {pair.wrong_reference}")
        yield from (pair.a.text, pair.b.text, f" {pair.principle}", f" {reference_critique(pair, wrong_reference=True)}")


def batches(turns: Turns, *, size: int, seed: int, skip: int = 0) -> Iterator[list[Example]]:
    """Training batches; `skip` of them are left out, so that a run can go on where it stopped."""
    pool = 0
    while True:
        random = Random(f"{seed}:{pool}")
        if (pool + 1) * POOL > skip:
            examples = sorted((_example(turns, random) for _ in range(POOL * size)), key=lambda one: len(one.tokens))
            ready = [examples[start : start + size] for start in range(0, len(examples), size)]
            random.shuffle(ready)
            yield from ready[max(0, skip - pool * POOL) :]
        pool += 1


def _example(turns: Turns, random: Random) -> Example:
    pair: Pair = draw_pair(random, Split.TRAIN)
    (kind,) = random.choices(
        ("answering", "judging", "wrong", "direct"), weights=(ANSWERING, JUDGING, JUDGING_WRONG, DIRECT)
    )
    if kind == "answering":
        return turns.answering(pair)
    if kind == "direct":
        return turns.judging_directly(pair)
    return turns.judging(pair, reference=pair.right_reference if kind == "judging" else pair.wrong_reference)


def tensors(batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens and targets, (examples, longest), and the probability of A, (examples,); padded at the right."""
    width = max(len(example.tokens) for example in batch)
    tokens = torch.zeros((len(batch), width), dtype=torch.long)
    targets = torch.full((len(batch), width), NOTHING)
    for row, example in enumerate(batch):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        targets[row, : len(example.targets)] = torch.tensor(example.targets)
    return tokens, targets, torch.tensor([example.probability_a for example in batch])
