"""The one loss against its presets written out, and language modelling against a loop."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.reward.loss import language_loss, preference_loss

scores = st.floats(-8, 8)


def loss(chosen: list[float], rejected: list[float], **how: list[float] | float) -> float:
    ones, zeros = [1.0] * len(chosen), [0.0] * len(chosen)
    given_, centering = {"soft": ones, "margin": zeros, "weight": ones, **how}, how.get("centering", 0.0)
    tensors = {name: torch.tensor(given_[name]) for name in ("soft", "margin", "weight")}
    return preference_loss(torch.tensor(chosen), torch.tensor(rejected), **tensors, centering=centering).item()


def softplus(value: float) -> float:
    return math.log1p(math.exp(value))


@given(scores, scores)
def test_the_bare_verdict(chosen: float, rejected: float) -> None:
    assert loss([chosen], [rejected]) == pytest.approx(softplus(rejected - chosen), abs=1e-5)


@given(scores, scores, st.floats(0, 1))
def test_the_paper_asks_for_a_margin(chosen: float, rejected: float, margin: float) -> None:
    expected = softplus(margin + rejected - chosen)
    assert loss([chosen], [rejected], margin=[margin]) == pytest.approx(expected, abs=1e-5)


@given(scores, scores, st.floats(0, 1))
def test_a_probability_is_taught_as_it_is(chosen: float, rejected: float, soft: float) -> None:
    expected = soft * softplus(rejected - chosen) + (1 - soft) * softplus(chosen - rejected)
    assert loss([chosen], [rejected], soft=[soft]) == pytest.approx(expected, abs=1e-4)
    assert loss([rejected], [chosen], soft=[1 - soft]) == pytest.approx(expected, abs=1e-4), "names do not matter"


@given(scores, scores)
def test_a_weight_counts_a_pair_so_many_times(chosen: float, rejected: float) -> None:
    once_and_twice = loss([chosen, rejected], [rejected, chosen], weight=[2 / 3, 4 / 3])
    repeated = loss([chosen, rejected, rejected], [rejected, chosen, chosen])
    assert once_and_twice == pytest.approx(repeated, abs=1e-4)


def test_a_tie_teaches_that_there_is_no_difference() -> None:
    chosen = torch.tensor([1.0], requires_grad=True)
    half, one = torch.tensor([0.5]), torch.tensor([1.0])
    preference_loss(chosen, one, soft=half, margin=0 * one, weight=one, centering=0.0).backward()
    assert chosen.grad is not None
    assert chosen.grad.item() == pytest.approx(0.0, abs=1e-7)


def test_centering_pulls_both_scores_to_zero() -> None:
    assert loss([3.0], [1.0], centering=0.1) == pytest.approx(softplus(-2.0) + 0.1 * 16, abs=1e-5)


def test_language_modelling_is_of_answers_only() -> None:
    torch.manual_seed(0)
    hidden, output = torch.randn(2, 5, 4), torch.randn(7, 4)
    tokens = torch.randint(0, 7, (2, 5))
    said = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]]).bool()
    surprises = []
    for row in range(2):
        for place in range(1, 5):
            if said[row, place]:
                probabilities = (hidden[row, place - 1] @ output.T).softmax(0)
                surprises.append(-probabilities[tokens[row, place]].log().item())
    expected = sum(surprises) / len(surprises)
    assert language_loss(hidden, output, tokens, said).item() == pytest.approx(expected, rel=1e-5)
