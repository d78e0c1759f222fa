"""What policies say now, as pairs that the service judges: which policy is better, and labels for another round."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import torch

from selfref.durable import whole_file
from selfref.exports.preferences import Turn
from trainer.ppo.observer import Action, State
from trainer.ppo.order import prompts_of_update
from trainer.ppo.rollout import sample_answers
from trainer.tokens import Tokens

TOGETHER = 256  # answers sampled at a time


def answers(network: Any, prompts: Sequence[list[Turn]], tokens: Tokens, *, answer_tokens: int, seed: int) -> list[str]:
    """One sampled answer to each prompt, as text; the same seed says the same, and torch's generator stays as it is."""
    said: list[str] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for first in range(0, len(prompts), TOGETHER):
            asked = [tokens.prompt(turns) for turns in prompts[first : first + TOGETHER]]
            said += map(tokens.text, sample_answers(network, asked, tokens, answer_tokens=answer_tokens))
    return said


def lines(prompts: Sequence[list[Turn]], first: Sequence[str], second: Sequence[str]) -> Iterator[bytes]:
    """A line for each prompt with two different answers, as `POST /jobs` takes them; an empty answer is none."""
    for turns, a, b in zip(prompts, first, second, strict=True):
        if a and b and a != b:
            yield orjson.dumps({"prompt": turns, "answer_a": a, "answer_b": b}) + b"\n"


class PairsOfEachCheck:
    """An observer of PPO that keeps pairs of what the policy says at each check and what the first one says.

    Another reward model that has learnt from their labels knows how this policy pleased the one before.
    """

    def __init__(self, prompts: Sequence[list[Turn]], folder: Path, *, each: int, answer_tokens: int) -> None:
        """`each` check draws so many of the prompts, and leaves a file in `folder`."""
        self._prompts = prompts
        self._folder = folder
        self._each = each
        self._answer_tokens = answer_tokens

    def __call__(self, update: int, state: State) -> Action:
        """The same update draws the same prompts and answers; policies that are alike still say different things."""
        drawn = prompts_of_update(update, batch=self._each, prompts=len(self._prompts), seed=0)
        prompts = [self._prompts[index] for index in drawn]
        ours, theirs = (
            answers(network, prompts, state.tokens, answer_tokens=self._answer_tokens, seed=seed)
            for network, seed in ((state.policy, 2 * update), (state.reference_policy, 2 * update + 1))
        )
        with whole_file(self._folder / f"pairs-{update:06d}.jsonl") as file:
            file.writelines(lines(prompts, ours, theirs))
        return Action.CONTINUE
