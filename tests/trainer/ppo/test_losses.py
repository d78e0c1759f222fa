"""Both losses against loops over single tokens."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.ppo.test_advantages import LENGTHS, answers_of, noise
from trainer.ppo.losses import policy_loss, value_loss


@given(lengths=LENGTHS, seed=st.integers(0, 99), clip=st.floats(0.05, 0.5))
def test_the_policy_loss_is_the_mean_of_the_worse_of_both_ratios(lengths: list[int], seed: int, clip: float) -> None:
    mask = answers_of(lengths)
    new, old, advantages = (noise(mask, seed + each) for each in range(3))
    each_token, stopped = [], []
    for row, length in enumerate(lengths):
        for place in range(length):
            ratio, advantage = math.exp(new[row, place] - old[row, place]), advantages[row, place].item()
            bound = min(max(ratio, 1 - clip), 1 + clip)
            each_token.append(-min(ratio * advantage, bound * advantage))
            stopped.append(bound * advantage < ratio * advantage)
    loss, clipped = policy_loss(new, old, advantages, mask, clip_range=clip)
    assert loss.item() == pytest.approx(sum(each_token) / len(each_token))
    assert clipped.item() == pytest.approx(sum(stopped) / len(stopped))


def test_a_clipped_token_and_padding_have_no_gradient() -> None:
    mask = torch.tensor([[True, True, False]])
    new = torch.tensor([[1.0, 0.0, 0.3]], requires_grad=True)
    policy_loss(new, torch.zeros(1, 3), torch.ones(1, 3), mask, clip_range=0.2).loss.backward()
    assert new.grad is not None
    assert (new.grad[0, 0], new.grad[0, 2]) == (0, 0)
    assert new.grad[0, 1].item() == pytest.approx(-1 / 2)


@given(lengths=LENGTHS, seed=st.integers(0, 99), clip=st.floats(0.05, 0.5))
def test_the_value_loss_is_half_the_mean_of_the_larger_square(lengths: list[int], seed: int, clip: float) -> None:
    mask = answers_of(lengths)
    values, old, returns = (noise(mask, seed + each) for each in range(3))
    each_token = []
    for row, length in enumerate(lengths):
        for place in range(length):
            v, before, r = (each[row, place].item() for each in (values, old, returns))
            near = before + min(max(v - before, -clip), clip)
            each_token.append(max((v - r) ** 2, (near - r) ** 2))
    found = value_loss(values, old, returns, mask, clip_range=clip)
    assert found.item() == pytest.approx(sum(each_token) / len(each_token) / 2)
