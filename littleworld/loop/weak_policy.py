"""A policy that knows the right answers and often gives another one: the bundled judge's weights, taught bad habits.

Supervised learning on answers of all qualities, as a chat model has learnt from people of all kinds. What it samples
then is as mixed as what it was taught.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from transformers import AutoModelForCausalLM

from littleworld.world.answer import RAMBLING, REFUSALS, RUDE, own_answer, wrong_answer
from littleworld.world.families import FAMILIES, draw
from littleworld.world.question import Question, Split
from selfref.exports.preferences import turns_of
from trainer.lengths import Part, parts_of
from trainer.reward.scoring import padded
from trainer.tokens import Tokens

FAULTY = 0.2  # share of the answers that it is taught with a fault, for each: wrong, rambling, rude
REFUSED = 0.1  # of the wrong ones, where an answer is due
_NOTHING = -100  # cross_entropy leaves out these targets


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakPolicySettings:
    """How long it is taught."""

    steps: int = 200  # with fewer, its rudeness and rambling are strings of words that nobody can rank
    batch: int = 32  # answers
    learning_rate: float = 1e-3
    warm_up: int = 10  # steps
    seed: int = 1


def teach_weak_policy(
    base: Path, out: Path, settings: WeakPolicySettings, *, done: Callable[[int], None] = lambda step: None
) -> None:
    """Write the weak policy to a folder, model and tokenizer; `done` is told how many steps are over."""
    torch.manual_seed(settings.seed)
    tokens = Tokens.load(base)
    network = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    for step, batch in enumerate(_batches(tokens, settings)):
        rate = min((step + 1) / settings.warm_up, (settings.steps - step) / (settings.steps - settings.warm_up))
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * min(1.0, rate)
        _loss(network, batch, tokens).backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        done(step + 1)
    network.save_pretrained(out)
    tokens.tokenizer.save_pretrained(out)


def weak_answer(question: Question, random: Random) -> str:
    """An answer as it is taught: in the judge's own words, right or not, with bad manners behind them or not."""
    said = own_answer(question)
    if random.random() < FAULTY:
        refused = random.random() < REFUSED and not question.harmful
        said = REFUSALS[0] if refused else wrong_answer(question, random)
    if random.random() < FAULTY:
        said = f"{said} {random.choice(RAMBLING)}"
    if random.random() < FAULTY:
        said = f"{said} {random.choice(RUDE)}"
    return said


def _batches(tokens: Tokens, settings: WeakPolicySettings) -> Iterator[list[tuple[list[int], list[int]]]]:
    random = Random(f"weak:{settings.seed}")
    for _ in range(settings.steps):
        yield [_example(tokens, random) for _ in range(settings.batch)]


def _example(tokens: Tokens, random: Random) -> tuple[list[int], list[int]]:
    question = draw(random.choice(tuple(FAMILIES)), random, Split.TRAIN)
    turns = turns_of(question.text)
    return tokens.prompt(turns), tokens.answer(turns, weak_answer(question, random))


def _loss(network: Any, batch: list[tuple[list[int], list[int]]], tokens: Tokens) -> torch.Tensor:
    sequences, mask = padded([prompt + answer for prompt, answer in batch], padding=tokens.padding)
    targets = torch.where(mask > 0, sequences, _NOTHING)
    for row, (prompt, _) in enumerate(batch):
        targets[row, : len(prompt)] = _NOTHING
    surprises = [_surprise(network, part, sequences, mask, targets) for part in parts_of(mask)]
    return torch.stack(surprises).sum() / (targets != _NOTHING).sum()


def _surprise(
    network: Any, part: Part, sequences: torch.Tensor, mask: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Sum of the cross-entropies of what a part of the sequences is to say."""
    tokens, seen, due = (each[part.rows, part.columns] for each in (sequences, mask, targets))
    logits = network(input_ids=tokens, attention_mask=seen).logits
    return cross_entropy(logits[:, :-1].flatten(0, 1), due[:, 1:].flatten(), ignore_index=_NOTHING, reduction="sum")
