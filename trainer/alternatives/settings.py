"""Everything that decides what RLOO, GRPO or DPO makes of a policy, beside the policy and what it learns from.

Defaults suit policies of a few million weights. For billions take a hundredth of the learning rates.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from trainer.errors import TrainingError


class Algorithm(StrEnum):
    """What is learnt from the scores of several answers to one prompt."""

    RLOO = "rloo"  # each against the mean of the others; KL is charged to the score (arXiv 2402.14740)
    GRPO = "grpo"  # each against the mean of all, in standard deviations; KL is part of the loss (arXiv 2402.03300)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineSettings:
    """Of RLOO and GRPO, in the words of `PPOSettings`. Raises TrainingError for values that contradict.

    What is not here is as TRL has it, GRPO's loss as well ("dapo", a mean over all tokens: arXiv 2503.14476).
    """

    algorithm: Algorithm
    updates: int = 200
    batch: int = 16  # prompts an update, over all processes
    answers: int = 4  # to each of them
    micro_batch: int = 64  # answers computed at once by one process
    answer_tokens: int = 64  # most tokens of an answer, its end-of-text included
    missing_eos_penalty: float = 1.0  # taken from the score of an answer that did not end; 1 is a score's deviation
    kl_coef: float = 0.05  # what one nat away from the reference policy costs; 0 needs no reference policy
    epochs: int = 1  # steps of the optimizer on an update's answers
    clip_range: float = 0.2  # of the ratio of new to old probability
    learning_rate: float = 1e-4
    warm_up: int = 0  # updates in which the rate rises in a line
    clip: float = 1.0  # norm of the gradient
    seed: int = 1
    saved_every: int = 20  # updates after which a run that was killed goes on

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("updates", "batch", "micro_batch", "answer_tokens", "epochs", "saved_every"):
            _require(self, name, getattr(self, name) >= 1, "it counts something, so it is 1 or more")
        for name in ("clip_range", "learning_rate", "clip"):
            _require(self, name, 0 < getattr(self, name) < math.inf, "it has to be more than 0")
        for name in ("missing_eos_penalty", "kl_coef", "warm_up"):
            _require(self, name, 0 <= getattr(self, name) < math.inf, "it cannot be less than 0")
        _require(
            self, "answers", self.answers >= 2, "an answer is held against others to its prompt, so it is 2 or more"
        )
        every = self.batch * self.answers
        _require(self, "micro_batch", every % self.micro_batch == 0, f"it does not divide {every} answers of an update")


@dataclass(frozen=True, slots=True, kw_only=True)
class DPOSettings:
    """Of DPO (arXiv 2305.18290). Raises TrainingError for values that contradict."""

    beta: float = 0.1  # how dear it is to leave the reference policy
    learning_rate: float = 1e-4
    epochs: float = 1.0
    batch: int = 64  # pairs a step, over all processes
    micro_batch: int = 64  # pairs computed at once by one process
    warm_up: float = 0.05  # share of the steps
    clip: float = 1.0  # norm of the gradient
    longest: int = 1024  # tokens of a prompt with its answer; pairs with a longer one are left out and counted
    seed: int = 1
    saved_every: int = 100  # steps from which a run that was killed can go on

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("batch", "micro_batch", "longest", "saved_every"):
            _require(self, name, getattr(self, name) >= 1, "it counts something, so it is 1 or more")
        for name in ("beta", "learning_rate", "epochs", "clip"):
            _require(self, name, 0 < getattr(self, name) < math.inf, "it has to be more than 0")
        _require(self, "warm_up", 0 <= self.warm_up < 1, "it is a share of the steps, less than 1")
        _require(self, "micro_batch", self.batch % self.micro_batch == 0, f"it does not divide a batch of {self.batch}")


def _require(settings: object, name: str, holds: bool, why: str) -> None:
    if not holds:
        raise TrainingError(f"{name} is {getattr(settings, name)}; {why}")
