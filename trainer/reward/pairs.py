"""From labels to what a reward model is trained on: two sequences of tokens, and what the loss is told of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from selfref.exports.preferences import turns_of
from selfref.messages import Label, Verdict
from trainer.reward.settings import Loss, RewardSettings
from trainer.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Pair:
    """One label as two sequences: the prompt with the better answer, and with the other; of a tie, with A and with B.

    `soft` is the probability that the first is better, `strength` the label's, 0 for a tie.
    """

    label: Label
    chosen: list[int]
    rejected: list[int]
    prompt: int  # tokens of the prompt, with which both begin
    soft: float
    strength: float

    @property
    def decided(self) -> bool:
        """False for a tie, of which no answer is the better one."""
        return self.label.verdict.decided


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is left of some labels, and how many were left out for which reason."""

    kept: list[Pair]
    left_out: Counter[str]


def pairs_of(labels: Iterable[Label], tokens: Tokens, settings: RewardSettings) -> Pairs:
    """The labels that can be trained on, in their order."""
    kept: list[Pair] = []
    left_out: Counter[str] = Counter()
    for label in labels:
        pair = _pair(label, tokens)
        if pair is None:
            left_out["undecided"] += 1
        elif not pair.decided and settings.loss is not Loss.SOFT:
            left_out["tie"] += 1  # only a probability can say that there is no difference
        elif max(len(pair.chosen), len(pair.rejected)) > settings.longest:
            left_out["too_long"] += 1
        else:
            kept.append(pair)
    return Pairs(kept=kept, left_out=left_out)


def columns(pairs: Sequence[Pair], settings: RewardSettings) -> dict[str, list[list[int]] | list[int] | list[float]]:
    """The pairs as the trainer's dataset takes them."""
    strengths = np.array([pair.strength for pair in pairs])
    mean = float(strengths.mean()) or 1.0
    scaled = settings.loss is Loss.SCALED
    margin = settings.margin if settings.loss is Loss.PAPER else 0.0
    return {
        "chosen_ids": [pair.chosen for pair in pairs],
        "rejected_ids": [pair.rejected for pair in pairs],
        "prompt_length": [pair.prompt for pair in pairs],
        "soft": [pair.soft if settings.loss is Loss.SOFT else 1.0 for pair in pairs],
        "margin": [margin * pair.strength for pair in pairs],
        "weight": [pair.strength / mean if scaled else 1.0 for pair in pairs],
    }


def _pair(label: Label, tokens: Tokens) -> Pair | None:
    """None for a label that says nothing of its answers: the judge contradicted itself."""
    if label.verdict is Verdict.INCONSISTENT:
        return None
    turns = turns_of(label.prompt)
    prompt = tokens.prompt(turns)
    a, b = ([*prompt, *tokens.answer(turns, text)] for text in (label.answer_a, label.answer_b))
    of_a = label.probability_a
    if label.verdict is Verdict.B:
        return Pair(label, b, a, len(prompt), _soft(None if of_a is None else 1 - of_a), label.strength or 0.0)
    if label.verdict is Verdict.A:
        return Pair(label, a, b, len(prompt), _soft(of_a), label.strength or 0.0)
    return Pair(label, a, b, len(prompt), 0.5 if of_a is None else of_a, 0.0)


def _soft(probability: float | None) -> float:
    """An engine without log-probabilities is taken at its word."""
    return 1.0 if probability is None else probability
