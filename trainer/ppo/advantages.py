"""From scores and log-probabilities to advantages; pure tensors.

(n, T): n answers, T tokens of the longest, padded at the right; mask is boolean and true for end-of-text. KL, in nats,
is that of the policy that sampled from the reference policy, estimated on the sampled tokens (John Schulman,
"Approximating KL divergence", 2020: http://joschu.net/blog/kl-approx.html).
"""

import torch
from torch import Tensor

from trainer.ppo.losses import masked_mean

_STEERING = 0.1  # K_β of arXiv 1909.08593, section 2.2
_LARGEST_ERROR = 0.2  # of the same


def kl_k1(log_probs: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """log p − log q of each token, (n, T): unbiased, and below 0 at times. 0 at padding."""
    return torch.where(mask, log_probs - reference, 0.0)


def kl_k3(log_probs: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """q/p − 1 − log q/p of each token, (n, T): unbiased, never below 0, and varies less. 0 at padding."""
    log_ratio = -kl_k1(log_probs, reference, mask)
    return log_ratio.expm1() - log_ratio


def token_rewards(scores: Tensor, kl: Tensor, mask: Tensor, *, kl_coef: float) -> Tensor:
    """−kl_coef·KL at every token, and the answer's score at its last one: end-of-text where it ended. (n, T).

    `scores` is (n,), `kl` (n, T).
    """
    rewards = -kl_coef * kl
    last = mask.sum(dim=1) - 1  # never the padding behind it
    rewards[torch.arange(len(scores), device=scores.device), last] += scores
    return rewards


def gae(rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float) -> Tensor:
    """Generalised advantage estimation, arXiv 1506.02438 eq. 16: Aₜ = δₜ + γλ·Aₜ₊₁, δₜ = rₜ + γ·Vₜ₊₁ − Vₜ. (n, T).

    `values[:, t]` is of the state in which token t is chosen. After an answer's last token there is no value: what did
    not end was cut by the limit on tokens, and its score already says so. 0 at padding.
    """
    rewards, values = (torch.where(mask, each, 0.0) for each in (rewards, values))
    advantages = torch.zeros_like(rewards)
    following = next_value = torch.zeros_like(rewards[:, 0])
    for place in reversed(range(rewards.shape[1])):
        surprise = rewards[:, place] + gamma * next_value - values[:, place]
        advantages[:, place] = following = surprise + gamma * lam * following
        next_value = values[:, place]
    return advantages


def whitened(values: Tensor, mask: Tensor) -> Tensor:
    """The same with mean 0 and standard deviation 1 over all tokens that stand, (n, T). 0 at padding."""
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean) ** 2, mask)
    return torch.where(mask, (values - mean) * (variance + 1e-8).rsqrt(), 0.0)


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """1 − Var(R − V) / Var(R) over all tokens that stand: 1 for a critic that knows, 0 for one that says the mean."""
    left = (returns - values)[mask].var(correction=0)
    return (1 - left / returns[mask].var(correction=0).clamp_min(1e-8)).item()


def steered(kl_coef: float, *, kl: float, target: float) -> float:
    """The next coefficient where answers are `kl` nats away and should be `target`: arXiv 1909.08593, section 2.2."""
    error = min(max(kl / target - 1, -_LARGEST_ERROR), _LARGEST_ERROR)
    return kl_coef * (1 + _STEERING * error)
