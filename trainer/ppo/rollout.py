"""Answers sampled from a policy, with the log-probabilities that they were sampled by.

(n, P + T): every prompt is padded at the left to P tokens and every answer at the right to T, so all answers begin at
place P. Positions count the tokens that stand; so neither padding nor the other rows change what a row is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig

from trainer.tokens import Tokens

AT_ONCE = 64  # answers in a forward pass that keeps no gradients


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
        return [row[stands].tolist() for row, stands in zip(self.tokens, self.mask.bool(), strict=True)]

    def answers(self) -> list[list[int]]:
        """Each answer, and end-of-text where it ended."""
        said = self.tokens[:, -self.answer_mask.shape[1] :]
        return [row[stands].tolist() for row, stands in zip(said, self.answer_mask, strict=True)]


@torch.no_grad()
def sample(policy: Any, prompts: Sequence[Sequence[int]], tokens: Tokens, *, answer_tokens: int) -> Rollout:
    """One answer of at most `answer_tokens` to each prompt, by torch's generator and the policy's own probabilities."""
    asked, asked_mask = padded_left(prompts, padding=tokens.padding, device=policy.device)
    whole = _generated(policy, asked, asked_mask, tokens, answer_tokens=answer_tokens)
    said = whole[:, asked.shape[1] :]
    ends = said == tokens.eos
    answer_mask = ends.cumsum(dim=1) - ends.long() == 0  # no end-of-text before it
    mask = torch.cat([asked_mask, answer_mask.long()], dim=1)
    log_probs, entropy = [], []
    for some, some_mask in parts(whole, mask):
        distributions = next_token_log_probs(policy, some, some_mask, places=said.shape[1])
        log_probs.append(of_said(distributions, some))
        entropy.append(-(distributions.exp() * distributions).sum(dim=-1))
    return Rollout(
        tokens=whole,
        mask=mask,
        answer_mask=answer_mask,
        log_probs=torch.cat(log_probs),
        entropy=torch.cat(entropy),
        ended=ends.any(dim=1),
    )


@torch.no_grad()
def log_probs_of(policy: Any, rollout: Rollout) -> Tensor:
    """log p of a rollout's answers under another policy, (n, T)."""
    places = rollout.answer_mask.shape[1]
    return torch.cat(
        [
            of_said(next_token_log_probs(policy, some, mask, places=places), some)
            for some, mask in parts(rollout.tokens, rollout.mask)
        ]
    )


def next_token_log_probs(policy: Any, tokens: Tensor, mask: Tensor, *, places: int) -> Tensor:
    """log p of every token of the vocabulary at each of the last `places` places, (n, places, vocabulary), float32."""
    found = policy(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions(mask),
        logits_to_keep=places + 1,  # the place before a token predicts it
        use_cache=False,
    )
    log_probs: Tensor = found.logits[:, :-1].float().log_softmax(dim=-1)
    return log_probs


def of_said(log_probs: Tensor, tokens: Tensor) -> Tensor:
    """log p of the tokens that were said, (n, T), out of (n, T, vocabulary). `tokens` is (n, P + T)."""
    said = tokens[:, -log_probs.shape[1] :]
    return log_probs.gather(-1, said.unsqueeze(-1)).squeeze(-1)


def parts(tokens: Tensor, mask: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The rows of both, `AT_ONCE` at a time."""
    for first in range(0, len(tokens), AT_ONCE):
        yield tokens[first : first + AT_ONCE], mask[first : first + AT_ONCE]


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


def _generated(policy: Any, asked: Tensor, mask: Tensor, tokens: Tokens, *, answer_tokens: int) -> Tensor:
    """Prompts and answers, (n, P + T); what follows an end-of-text is padding."""
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
        found: Tensor = policy.generate(input_ids=asked, attention_mask=mask, generation_config=sampling)
    finally:
        policy.generation_config = own
    return found
