"""Answers sampled from a policy, with the log-probabilities that they were sampled by.

(n, P + T): every prompt is padded at the left to P tokens and every answer at the right to T, so all answers begin at
place P. Positions count the tokens that stand; so neither padding nor the other rows change what a row is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig

from trainer.lengths import at_last_places
from trainer.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Rollout:
    """Sampled answers to n prompts."""

    tokens: Tensor  # (n, P + T)
    mask: Tensor  # (n, P + T), 1 where a token stands, for `attention_mask`
    answer_mask: Tensor  # (n, T) boolean; true for end-of-text and false behind it
    log_probs: Tensor  # (n, T) of the answer's tokens under the policy, nats; without meaning at padding
    entropy: Tensor  # (n, T) of the policy where each token was chosen, nats; without meaning at padding
    ended: Tensor  # (n,) boolean: the answer has an end-of-text, the others were cut

    def sequences(self) -> list[list[int]]:
        """Each prompt with its answer, and end-of-text where it ended: as a reward model scores them."""
        return _standing(self.tokens, self.mask.bool())

    def answers(self) -> list[list[int]]:
        """Each answer, and end-of-text where it ended."""
        return _standing(self.tokens[:, -self.answer_mask.shape[1] :], self.answer_mask)


@torch.no_grad()
def sample_answers(
    policy: Any, prompts: Sequence[Sequence[int]], tokens: Tokens, *, answer_tokens: int
) -> list[list[int]]:
    """The answers that `sample` draws, and end-of-text where they ended, for who needs nothing else of them."""
    whole, asked_mask = _generated(policy, prompts, tokens, answer_tokens=answer_tokens)
    said = whole[:, asked_mask.shape[1] :]
    return _standing(said, _stands(said == tokens.eos))


@torch.no_grad()
def sample(policy: Any, prompts: Sequence[Sequence[int]], tokens: Tokens, *, answer_tokens: int) -> Rollout:
    """One answer of at most `answer_tokens` to each prompt, by torch's generator and the policy's own probabilities."""
    whole, asked_mask = _generated(policy, prompts, tokens, answer_tokens=answer_tokens)
    said = whole[:, asked_mask.shape[1] :]
    ends = said == tokens.eos
    answer_mask = _stands(ends)
    mask = torch.cat([asked_mask, answer_mask.long()], dim=1)
    seen = at_last_places(partial(_said_and_entropy, policy), whole, mask, places=said.shape[1])
    return Rollout(
        tokens=whole,
        mask=mask,
        answer_mask=answer_mask,
        log_probs=seen[..., 0],
        entropy=seen[..., 1],
        ended=ends.any(dim=1),
    )


@torch.no_grad()
def log_probs_of(policy: Any, rollout: Rollout) -> Tensor:
    """log p of a rollout's answers under another policy, (n, T)."""
    return log_probs(policy, rollout.tokens, rollout.mask, places=rollout.answer_mask.shape[1])


def log_probs(policy: Any, tokens: Tensor, mask: Tensor, *, places: int) -> Tensor:
    """log p of the tokens at the last `places` places, (n, places), nats; without meaning at padding."""
    return at_last_places(partial(_said, policy), tokens, mask, places=places)


def _said(policy: Any, tokens: Tensor, mask: Tensor, places: int) -> Tensor:
    return _of_said(_next_token_log_probs(policy, tokens, mask, places), tokens)


def _said_and_entropy(policy: Any, tokens: Tensor, mask: Tensor, places: int) -> Tensor:
    distributions = _next_token_log_probs(policy, tokens, mask, places)
    entropy = -(distributions.exp() * distributions).sum(dim=-1)
    return torch.stack([_of_said(distributions, tokens), entropy], dim=-1)


def _next_token_log_probs(policy: Any, tokens: Tensor, mask: Tensor, places: int) -> Tensor:
    """log p of every token of the vocabulary at each of the last `places` places, (n, places, vocabulary), float32."""
    found = policy(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions(mask),
        logits_to_keep=places + 1,  # the place before a token predicts it
        use_cache=False,
    )
    distributions: Tensor = found.logits[:, :-1].float().log_softmax(dim=-1)
    return distributions


def _of_said(distributions: Tensor, tokens: Tensor) -> Tensor:
    """log p of the tokens that were said, (n, places), out of (n, places, vocabulary)."""
    said = tokens[:, -distributions.shape[1] :]
    return distributions.gather(-1, said.unsqueeze(-1)).squeeze(-1)


def positions(mask: Tensor) -> Tensor:
    """The place of each token among those that stand, from 0, (n, P + T)."""
    return (mask.cumsum(dim=1) - 1).clamp_min(0)


def padded_left(
    sequences: Sequence[Sequence[int]], *, padding: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Tokens and mask, each (sequences, longest), padded at the left."""
    longest = max(len(each) for each in sequences)
    rows = [[padding] * (longest - len(each)) + list(each) for each in sequences]
    stands = [[0] * (longest - len(each)) + [1] * len(each) for each in sequences]
    return torch.tensor(rows, device=device), torch.tensor(stands, device=device)


def _standing(tokens: Tensor, stands: Tensor) -> list[list[int]]:
    """The tokens of each row where `stands`, boolean and of the same shape, is true."""
    return [row[those].tolist() for row, those in zip(tokens, stands, strict=True)]


def _stands(ends: Tensor) -> Tensor:
    """True where no end-of-text stands before, (n, T)."""
    found: Tensor = ends.cumsum(dim=1) - ends.long() == 0
    return found


def _generated(
    policy: Any, prompts: Sequence[Sequence[int]], tokens: Tokens, *, answer_tokens: int
) -> tuple[Tensor, Tensor]:
    """Prompts and answers, (n, P + T), with padding behind an end-of-text, and the mask of the prompts, (n, P)."""
    asked, mask = padded_left(prompts, padding=tokens.padding, device=policy.device)
    own = policy.generation_config
    policy.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]  # own top_k and the like fill gaps
    sampling = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_new_tokens=answer_tokens,
        eos_token_id=tokens.eos,
        pad_token_id=tokens.padding,
    )
    try:
        whole = policy.generate(input_ids=asked, attention_mask=mask, generation_config=sampling)
    finally:
        policy.generation_config = own
    return whole, mask
