"""The reward model as TRL asks for rewards: what is scored are the tokens that the policy said.

TRL would score an answer's text, which has lost its end-of-text; a reward model that has learnt from answers with
end-of-text then scores something that it has never seen.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from selfref.exports.preferences import Turn
from trainer.errors import ModelUnusable
from trainer.reward.scoring import RewardModel


class RewardFunction(Protocol):
    """One number for each answer; TRL adds those of several functions, and logs each by its `__name__`."""

    def __call__(
        self, *, prompts: Sequence[list[Turn]], completion_ids: Sequence[list[int]], **more: Any
    ) -> list[float]:
        """`completion_ids` are the answers' tokens, end-of-text included where the answer ended."""


def scored_by(reward_model: RewardModel) -> RewardFunction:
    """Normalised scores of prompts with their answers."""

    def score(*, prompts: Sequence[list[Turn]], completion_ids: Sequence[list[int]], **more: Any) -> list[float]:
        """Raises ModelUnusable for a score that is no number, which TRL would pass over."""
        asked = [reward_model.tokens.prompt(turns) for turns in prompts]
        found = reward_model.score([[*each, *said] for each, said in zip(asked, completion_ids, strict=True)])
        if not found.isfinite().all():
            raise ModelUnusable("the reward model gives scores that are no numbers; train another one")
        return found.tolist()

    return score


def charged_without_eos(eos: int, *, penalty: float) -> RewardFunction:
    """0 for an answer that ended, and less the penalty for one that was cut."""

    def missing_eos(*, completion_ids: Sequence[list[int]], **more: Any) -> list[float]:
        return [0.0 if said[-1] == eos else -penalty for said in completion_ids]

    return missing_eos
