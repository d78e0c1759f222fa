"""A trained reward model as what scores answers; a score does not depend on the batch that it is computed in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from trainer.errors import ModelUnusable
from trainer.tokens import Tokens

BATCH = 64  # sequences scored at once


class RewardModel:
    """Scores sequences of tokens; 0 and 1 are mean and standard deviation over the answers that it has learnt from."""

    def __init__(self, network: Any, tokens: Tokens) -> None:
        self.network = network
        self.tokens = tokens
        self.mean = float(getattr(network.config, "mean", 0.0))
        self.std = float(getattr(network.config, "std", 1.0))

    @classmethod
    def load(cls, folder: Path) -> "RewardModel":
        """On the GPU where there is one. Raises ModelUnusable."""
        tokens = Tokens.load(folder)
        try:
            network = AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32
            )
        except (OSError, ValueError, RuntimeError) as error:  # the last where its head gives two scores
            raise ModelUnusable(f"{folder} holds no reward model: {error}") from error
        if network.config.num_labels != 1:
            raise ModelUnusable(f"{folder} gives {network.config.num_labels} numbers for an answer, not one score")
        return cls(network.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokens)

    @torch.no_grad()
    def score(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Normalised scores, (sequences,), of prompts with their answers, each with end-of-text where it ended."""
        return (self.raw(sequences) - self.mean) / self.std

    @torch.no_grad()
    def raw(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Scores as the network gives them, (sequences,)."""
        by_length = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        scores, device = torch.zeros(len(sequences)), self.network.device
        for first in range(0, len(by_length), BATCH):
            some = by_length[first : first + BATCH]
            tokens, mask = padded([sequences[index] for index in some], padding=self.tokens.padding)
            found = self.network(input_ids=tokens.to(device), attention_mask=mask.to(device))
            scores[some] = found.logits[:, 0].float().cpu()
        return scores


def padded(sequences: Sequence[Sequence[int]], *, padding: int) -> tuple[Tensor, Tensor]:
    """Tokens and mask, each (sequences, longest), padded at the right."""
    longest = max(len(each) for each in sequences)
    tokens = torch.full((len(sequences), longest), padding)
    mask = torch.zeros((len(sequences), longest), dtype=torch.long)
    for row, each in enumerate(sequences):
        tokens[row, : len(each)] = torch.tensor(each)
        mask[row, : len(each)] = 1
    return tokens, mask
