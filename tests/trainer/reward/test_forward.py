"""Computing a batch in parts of like lengths changes neither scores, hidden states nor gradients, and saves padding."""

from typing import Any

import pytest
import torch

from tests.trainer import models
from trainer import lengths
from trainer.reward.forward import forward
from trainer.reward.scoring import padded

TOKENS = models.tokens()
SEQUENCES = [
    TOKENS.prompt(turns) + TOKENS.answer(turns, answer)
    for answer in ("No, it is Friday, and I could go on about this all day.", "Yes.", "21.")
    for turns in models.PROMPTS
]
BATCH = padded(SEQUENCES, padding=TOKENS.padding)


def gradients(network: Any, scores: torch.Tensor) -> torch.Tensor:
    """All of them, flat, of a loss that treats every score in its own way."""
    network.zero_grad()
    (scores * torch.arange(len(scores))).sum().backward()
    return torch.cat([weight.grad.flatten() for weight in network.parameters() if weight.grad is not None])


@pytest.mark.parametrize("at_once", [1, 2, 7, 64])
def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(lengths, "AT_ONCE", at_once)
    network = models.reward_model().network
    tokens, mask = BATCH
    whole = network(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
    scores, hidden = forward(network, tokens, mask, hidden=True)
    assert hidden is not None
    stands = mask.bool()
    assert torch.allclose(scores, whole.logits[:, 0], atol=1e-5)
    assert torch.allclose(hidden[stands], whole.hidden_states[-1][stands], atol=1e-5)
    one_by_one = gradients(network, scores)
    assert torch.allclose(one_by_one, gradients(network, whole.logits[:, 0]), rtol=1e-3, atol=1e-4)


def test_padding_is_computed_within_a_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lengths, "AT_ONCE", 1)
    network, seen = models.reward_model().network, []
    network.register_forward_pre_hook(lambda _, __, given: seen.append(given["input_ids"].numel()), with_kwargs=True)
    forward(network, *BATCH, hidden=False)
    assert sum(seen) == sum(map(len, SEQUENCES))
