"""Rewards stand where they belong, and advantages are what a slow loop over one answer makes of them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainer.ppo.advantages import explained_variance, gae, kl_k1, kl_k3, steered, token_rewards, whitened

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=4)
SHARES = st.floats(0, 1, width=32)


def answers_of(lengths: list[int]) -> Tensor:
    """The mask of answers of these lengths, (n, T)."""
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def noise(mask: Tensor, seed: int) -> Tensor:
    """Random figures, and not-a-number at padding: whatever reads that is found out."""
    drawn = torch.randn(mask.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn.masked_fill(~mask, math.nan)


def slow_gae(rewards: list[float], values: list[float], *, gamma: float, lam: float) -> list[float]:
    """Σₗ (γλ)ˡ δₜ₊ₗ of one answer, as arXiv 1506.02438 eq. 16 writes it."""
    following = [*values[1:], 0.0]
    deltas = [r + gamma * after - v for r, v, after in zip(rewards, values, following, strict=True)]
    return [
        sum((gamma * lam) ** step * delta for step, delta in enumerate(deltas[place:])) for place in range(len(rewards))
    ]


@given(lengths=LENGTHS, gamma=SHARES, lam=SHARES, seed=st.integers(0, 99))
def test_advantages_are_those_of_a_slow_loop_over_each_answer(
    lengths: list[int], gamma: float, lam: float, seed: int
) -> None:
    mask = answers_of(lengths)
    rewards, values = noise(mask, seed), noise(mask, seed + 100)
    found = gae(rewards, values, mask, gamma=gamma, lam=lam)
    for row, length in enumerate(lengths):
        expected = slow_gae(rewards[row, :length].tolist(), values[row, :length].tolist(), gamma=gamma, lam=lam)
        assert found[row, :length].tolist() == pytest.approx(expected, abs=1e-9)
        assert not found[row, length:].any()


@given(lengths=LENGTHS, seed=st.integers(0, 99))
def test_the_score_stands_at_the_last_token_and_never_at_padding(lengths: list[int], seed: int) -> None:
    mask = answers_of(lengths)
    scores = torch.arange(1.0, len(lengths) + 1, dtype=torch.float64)
    kl = kl_k1(noise(mask, seed), noise(mask, seed + 1), mask)
    found = token_rewards(scores, kl, mask, kl_coef=0.5)
    for row, length in enumerate(lengths):
        expected = [-0.5 * each for each in kl[row, :length].tolist()]
        expected[-1] += scores[row].item()
        assert found[row, :length].tolist() == pytest.approx(expected)
        assert not found[row, length:].any()


@given(lengths=LENGTHS, seed=st.integers(0, 99))
def test_both_estimates_of_kl_are_the_textbook_ones(lengths: list[int], seed: int) -> None:
    mask = answers_of(lengths)
    log_p, log_q = noise(mask, seed), noise(mask, seed + 1)
    k1, k3 = kl_k1(log_p, log_q, mask), kl_k3(log_p, log_q, mask)
    for row, length in enumerate(lengths):
        for place in range(length):
            log_ratio = (log_q - log_p)[row, place].item()
            assert k1[row, place].item() == pytest.approx(-log_ratio)
            assert k3[row, place].item() == pytest.approx(math.exp(log_ratio) - 1 - log_ratio)
        assert not k1[row, length:].any()
        assert not k3[row, length:].any()


def test_both_estimates_mean_the_divergence_itself() -> None:
    p, q = torch.tensor([0.6, 0.3, 0.1]), torch.tensor([0.2, 0.3, 0.5])
    drawn = torch.multinomial(p, 200_000, replacement=True, generator=torch.Generator().manual_seed(0))[None]
    mask = torch.ones_like(drawn, dtype=torch.bool)
    exact = (p * (p / q).log()).sum().item()
    for estimate in (kl_k1, kl_k3):
        assert estimate(p.log()[drawn], q.log()[drawn], mask).mean().item() == pytest.approx(exact, abs=0.01)


@given(lengths=LENGTHS.filter(lambda each: sum(each) > 1), seed=st.integers(0, 99))
def test_whitened_tokens_have_mean_0_and_deviation_1(lengths: list[int], seed: int) -> None:
    mask = answers_of(lengths)
    values = noise(mask, seed)
    found = whitened(values, mask)
    variance = values[mask].var(correction=0).item()
    assert found[mask].mean().item() == pytest.approx(0, abs=1e-5)
    expected = math.sqrt(variance / (variance + 1e-8))  # a shade less than 1 where the values are all but equal
    assert found[mask].std(correction=0).item() == pytest.approx(expected, abs=1e-4)
    assert not found[~mask].any()


def test_equal_advantages_teach_nothing() -> None:
    mask = answers_of([3, 1])
    assert not whitened(torch.full(mask.shape, 0.25), mask).any()


def test_a_critic_that_knows_explains_all_and_one_that_says_the_mean_nothing() -> None:
    mask = answers_of([4, 2])
    returns = noise(mask, 3)
    assert explained_variance(returns, returns, mask) == pytest.approx(1)
    assert explained_variance(returns[mask].mean().expand_as(returns), returns, mask) == pytest.approx(0)


def test_the_coefficient_follows_the_divergence_a_little_at_a_time() -> None:
    assert steered(0.1, kl=4.0, target=4.0) == pytest.approx(0.1)
    assert steered(0.1, kl=4.4, target=4.0) == pytest.approx(0.1 * 1.01)
    assert steered(0.1, kl=400.0, target=4.0) == pytest.approx(0.1 * 1.02)
    assert steered(0.1, kl=0.0, target=4.0) == pytest.approx(0.1 * 0.98)
