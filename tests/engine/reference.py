"""What transformers itself makes of a prompt: the truth that the engine is held to."""

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Greedy:
    """Greedily generated tokens, and the log-probabilities of the whole vocabulary at each."""

    ids: list[int]
    distributions: torch.Tensor  # (tokens, vocabulary)

    @property
    def logprobs(self) -> list[float]:
        """Of the generated tokens."""
        return [float(row[token]) for row, token in zip(self.distributions, self.ids, strict=True)]


def greedy(model: Any, prompt: list[int], tokens: int) -> Greedy:
    """`model.generate` on one prompt, alone."""
    ids = torch.tensor([prompt])
    with torch.inference_mode():
        answer = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=tokens,
            output_logits=True,
            return_dict_in_generate=True,
            pad_token_id=0,
        )
    distributions = torch.log_softmax(torch.cat(answer.logits).float(), dim=-1)
    return Greedy(ids=answer.sequences[0, len(prompt) :].tolist(), distributions=distributions)
