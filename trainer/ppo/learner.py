"""All that training changes: policy, critic, their optimizers, the KL coefficient and how many updates were made."""

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainer.causal import load_causal
from trainer.errors import ModelUnusable
from trainer.ppo.critic import Critic
from trainer.ppo.settings import PPOSettings
from trainer.reward.scoring import RewardModel
from trainer.tokens import Tokens

ADAM_BETAS = (0.9, 0.95)  # as arXiv 2406.11190


class Learner:
    """Everything a checkpoint keeps. Networks are float32 and drop nothing out: the first ratio of an update is 1."""

    def __init__(self, policy: Any, critic: Critic, settings: PPOSettings) -> None:
        self.policy = policy
        self.critic = critic
        self.policy_optimizer = _optimizer(policy.parameters())
        self.critic_optimizer = _optimizer(critic.parameters())
        self.kl_coef = settings.kl_coef
        self.update = 0  # how many were made
        self.kept = 0  # the update whose weights a roll back restores; 0: those it began with

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {
            "policy": self.policy.state_dict(),
            "critic": self.critic.state_dict(),
            "policy_optimizer": self.policy_optimizer.state_dict(),
            "critic_optimizer": self.critic_optimizer.state_dict(),
            "kl_coef": self.kl_coef,
            "update": self.update,
            "kept": self.kept,
        }

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go on from there."""
        self.policy.load_state_dict(kept["policy"])
        self.critic.load_state_dict(kept["critic"])
        self.policy_optimizer.load_state_dict(kept["policy_optimizer"])
        self.critic_optimizer.load_state_dict(kept["critic_optimizer"])
        self.kl_coef = kept["kl_coef"]
        self.update = kept["update"]
        self.kept = kept["kept"]


def load_policy(folder: Path, reward_model: RewardModel) -> Any:
    """The policy in float32, where the reward model is. Raises ModelUnusable."""
    _require_one_tokenizer(Tokens.load(folder), reward_model.tokens, folder=folder)
    return load_causal(folder, device=reward_model.network.device)


def frozen_copy(policy: Any) -> Any:
    """The reference policy."""
    return deepcopy(policy).requires_grad_(False)


def longest_sequence(*networks: Any) -> int | None:
    """Positions that all of these networks have; None where none says."""
    known = [getattr(network.config, "max_position_embeddings", None) for network in networks]
    return min((each for each in known if each is not None), default=None)


def _require_one_tokenizer(policy: Tokens, reward: Tokens, *, folder: Path) -> None:
    if policy.tokenizer.get_vocab() != reward.tokenizer.get_vocab():
        raise ModelUnusable(f"the tokenizer of {folder} has another vocabulary than the reward model's; {_REMEDY}")
    if policy.tokenizer.chat_template != reward.tokenizer.chat_template:
        raise ModelUnusable(f"the tokenizer of {folder} has another chat template than the reward model's; {_REMEDY}")
    if (policy.eos, policy.padding) != (reward.eos, reward.padding):
        raise ModelUnusable(f"the tokenizer of {folder} ends or pads otherwise than the reward model's; {_REMEDY}")


_REMEDY = "train the reward model from a model with the policy's tokenizer"


def _optimizer(weights: Iterable[nn.Parameter | Tensor]) -> torch.optim.Optimizer:
    """AdamW whose rate is set in each update; without weight decay, which would pull away from the first policy."""
    return torch.optim.AdamW(weights, betas=ADAM_BETAS, weight_decay=0.0)
