"""Everything that decides what PPO makes of a policy, beside the policy, the reward model and the prompts."""

import math
from dataclasses import dataclass

from trainer.errors import TrainingError

_COUNTS = ("updates", "batch", "answer_tokens", "epochs", "minibatches", "saved_every", "checked_every")
_POSITIVE = ("learning_rate", "critic_learning_rate", "clip_range", "value_clip_range", "clip")
_NOT_NEGATIVE = ("kl_coef", "missing_eos_penalty", "warm_up")
_SHARES = ("gamma", "lam")


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOSettings:
    """Defaults suit policies of a few million weights. Raises TrainingError for values that contradict.

    arXiv 2406.11190 trains 7 billion weights with batch 128, kl_coef 0.01, learning_rate 1e-6, critic_learning_rate
    5e-6 and otherwise these defaults.
    """

    updates: int = 200
    batch: int = 64  # prompts an update, with one answer each
    answer_tokens: int = 64  # most tokens of an answer, its end-of-text included
    missing_eos_penalty: float = 1.0  # taken from the score of an answer that did not end; 1 is a score's deviation
    kl_coef: float = 0.05  # what one nat away from the reference policy costs of the score
    kl_target: float | None = None  # nats an answer that kl_coef is steered to; None leaves it as it is
    gamma: float = 1.0  # discount from token to token
    lam: float = 0.95  # λ of generalised advantage estimation
    epochs: int = 4  # passes over an update's answers
    minibatches: int = 1  # steps of the optimizers in a pass
    clip_range: float = 0.2  # of the ratio of new to old probability
    value_clip_range: float = 0.2  # of the value's way from the old one
    learning_rate: float = 1e-4  # of the policy
    critic_learning_rate: float = 1e-4
    warm_up: int = 0  # updates in which both rates rise in a line
    clip: float = 1.0  # norm of the gradient, of policy and critic each
    seed: int = 1
    saved_every: int = 20  # updates after which a run that was killed goes on
    checked_every: int = 20  # updates after which an observer is asked

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in _COUNTS:
            self._require(name, getattr(self, name) >= 1, "it counts something, so it is 1 or more")
        for name in _POSITIVE:
            self._require(name, 0 < getattr(self, name) < math.inf, "it has to be more than 0")
        for name in _NOT_NEGATIVE:
            self._require(name, 0 <= getattr(self, name) < math.inf, "it cannot be less than 0")
        for name in _SHARES:
            self._require(name, 0 <= getattr(self, name) <= 1, "it lies between 0 and 1")
        self._require("minibatches", self.batch % self.minibatches == 0, f"it does not divide a batch of {self.batch}")
        self._require("warm_up", self.warm_up < self.updates, f"it never ends in {self.updates} updates")
        if self.kl_target is not None:
            self._require("kl_target", 0 < self.kl_target < math.inf, "it has to be more than 0")
            self._require("kl_coef", self.kl_coef > 0, "kl_target multiplies it, so it would stay 0")

    def _require(self, name: str, holds: bool, why: str) -> None:
        if not holds:
            raise TrainingError(f"{name} is {getattr(self, name)}; {why}")

    def rate(self, update: int) -> float:
        """Share of the learning rates in this update, counted from 1."""
        return min(1.0, update / self.warm_up) if self.warm_up else 1.0
