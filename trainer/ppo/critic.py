"""The critic: what an answer will be worth, told at each of its tokens; a reward model's network to begin with."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from trainer.errors import ModelUnusable
from trainer.lengths import at_last_places
from trainer.ppo.rollout import Rollout, positions
from trainer.reward.scoring import RewardModel


class Critic(nn.Module):
    """Values on the scale of normalised scores, by a copy of the reward model's backbone and `score` head."""

    def __init__(self, reward_model: RewardModel) -> None:
        """Raises ModelUnusable where the head is not one that can be put on every token."""
        super().__init__()
        self.network: Any = deepcopy(reward_model.network).float().requires_grad_(True).eval()
        self.mean, self.std = reward_model.mean, reward_model.std
        if not isinstance(getattr(self.network, "score", None), nn.Linear):
            raise ModelUnusable(
                f"{type(self.network).__name__} has no linear `score` head, from which the critic starts; "
                "train the reward model from a causal language model such as Llama, Qwen or Mistral"
            )

    def forward(self, tokens: Tensor, mask: Tensor, *, places: int) -> Tensor:
        """The value of the state in which each of the last `places` tokens is chosen, (n, places).

        `tokens` and `mask` are (n, P + T). The state ends before the token does: its value stands one place earlier.
        """
        return at_last_places(self._values, tokens, mask, places=places)

    def _values(self, tokens: Tensor, mask: Tensor, places: int) -> Tensor:
        backbone = getattr(self.network, self.network.base_model_prefix)
        found = backbone(input_ids=tokens, attention_mask=mask, position_ids=positions(mask), use_cache=False)
        before = found.last_hidden_state[:, -places - 1 : -1]
        values: Tensor = self.network.score(before).squeeze(-1)
        return (values - self.mean) / self.std


@torch.no_grad()
def values_of(critic: Critic, rollout: Rollout) -> Tensor:
    """The values on the way through a rollout's answers, (n, T)."""
    found: Tensor = critic(rollout.tokens, rollout.mask, places=rollout.answer_mask.shape[1])
    return found
