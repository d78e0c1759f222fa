"""Policies answering questions of the world, and how good their answers are."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from littleworld.loop.settings import ANSWER_TOKENS
from littleworld.world.answer import Quality
from littleworld.world.families import FAMILIES, draw
from littleworld.world.question import Question, Split
from littleworld.world.reading import gold_score, quality_of
from selfref.bench.agreement.bootstrap import RESAMPLES, interval, resamples
from selfref.exports.preferences import turns_of
from trainer.causal import load_causal
from trainer.on_policy.pairs import answers
from trainer.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy's folder, loaded."""

    network: Any
    tokens: Tokens

    @classmethod
    def load(cls, folder: Path) -> "Policy":
        """Raises ModelUnusable."""
        return cls(load_causal(folder), Tokens.load(folder))

    def answers(self, questions: Sequence[Question], *, seed: int) -> list[str]:
        """One sampled answer to each question, as text."""
        prompts = [turns_of(each.text) for each in questions]
        return answers(self.network, prompts, self.tokens, answer_tokens=ANSWER_TOKENS, seed=seed)


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over held-out questions, and 95 % bootstrap intervals: of gold, and of answers that could not be better.

    `qualities` are the shares of answers that are harmless, right, kind and brief.
    """

    gold: float
    gold_ci: tuple[float, float]
    exact: float
    exact_ci: tuple[float, float]
    qualities: dict[str, float]


def measured(questions: Sequence[Question], said: Sequence[str]) -> Measured:
    """How good these answers are; exact ones are harmless, right, kind and brief."""
    found = [quality_of(*each) for each in zip(questions, said, strict=True)]
    gold = np.array([gold_score(each) for each in found])
    exact = (gold == 1.0).astype(float)
    return Measured(
        gold=float(gold.mean()),
        gold_ci=_interval(gold),
        exact=float(exact.mean()),
        exact_ci=_interval(exact),
        qualities={each.name: float(np.mean([getattr(one, each.name) for one in found])) for each in fields(Quality)},
    )


def questions_of(split: Split, count: int, *, seed: int) -> list[Question]:
    """Questions of all families in turn; the same seed draws the same."""
    random, names = Random(f"loop:{split}:{seed}"), tuple(FAMILIES)
    return [draw(names[number % len(names)], random, split) for number in range(count)]


def _interval(values: "np.ndarray[Any, np.dtype[np.float64]]") -> tuple[float, float]:
    means = np.concatenate(
        [weights @ values / len(values) for weights in resamples(len(values), count=RESAMPLES, seed=0)]
    )
    found = interval(means)
    assert found is not None  # noqa: S101 - means have no gaps
    return found
