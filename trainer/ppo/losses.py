"""PPO's two losses; pure tensors. (n, T): n answers, T tokens of the longest, padded at the right; mask is boolean."""

from typing import NamedTuple

import torch
from torch import Tensor


class PolicyLoss(NamedTuple):
    """Both scalars."""

    loss: Tensor
    clipped: Tensor  # share of the tokens whose ratio the clip has stopped from going on


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean over all tokens that stand, a scalar; what padding holds does not count, not even NaN. Both (n, T)."""
    return torch.where(mask, values, 0.0).sum() / mask.sum()


def policy_loss(log_probs: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, *, clip_range: float) -> PolicyLoss:
    """−mean min(r·A, clip(r, 1 − ε, 1 + ε)·A) with r = exp(log_probs − old): arXiv 1707.06347, eq. 7. All (n, T)."""
    ratio = (torch.where(mask, log_probs - old, 0.0)).exp()
    free = -advantages * ratio
    bound = -advantages * ratio.clamp(1 - clip_range, 1 + clip_range)
    return PolicyLoss(
        loss=masked_mean(torch.maximum(free, bound), mask), clipped=masked_mean((bound > free).float(), mask)
    )


def value_loss(values: Tensor, old: Tensor, returns: Tensor, mask: Tensor, *, clip_range: float) -> Tensor:
    """½·mean max((V − R)², (V' − R)²), V' = old + clip(V − old, −ε, ε). All (n, T); a scalar.

    V' is that of OpenAI's baselines (ppo2), which lm-human-preferences kept.
    """
    near = old + (values - old).clamp(-clip_range, clip_range)
    return masked_mean(torch.maximum((values - returns) ** 2, (near - returns) ** 2), mask) / 2
