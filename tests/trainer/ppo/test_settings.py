"""Settings that cannot be meant are refused by name."""

from dataclasses import asdict
from typing import Any

import pytest

from trainer.errors import TrainingError
from trainer.ppo.settings import PPOSettings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"updates": 0}, "updates is 0; it counts something"),
        ({"batch": 6, "minibatches": 4}, "minibatches is 4; it does not divide a batch of 6"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it has to be more than 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it has to be more than 0"),
        ({"clip_range": -0.1}, "clip_range is -0.1; it has to be more than 0"),
        ({"kl_coef": -1.0}, "kl_coef is -1.0; it cannot be less than 0"),
        ({"lam": 1.5}, "lam is 1.5; it lies between 0 and 1"),
        ({"kl_target": 0.0}, "kl_target is 0.0; it has to be more than 0"),
        ({"kl_target": 4.0, "kl_coef": 0.0}, "kl_coef is 0.0; kl_target multiplies it"),
        ({"warm_up": 10, "updates": 10}, "warm_up is 10; it never ends in 10 updates"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        PPOSettings(**given)


def test_rates_rise_in_a_line_and_stay() -> None:
    assert [PPOSettings(warm_up=4).rate(update) for update in (1, 2, 4, 5, 100)] == [0.25, 0.5, 1, 1, 1]
    assert PPOSettings().rate(1) == 1


def test_the_papers_own_values_are_accepted() -> None:
    paper = PPOSettings(batch=128, kl_coef=0.01, learning_rate=1e-6, critic_learning_rate=5e-6)
    kept = {"gamma": 1.0, "lam": 0.95, "clip_range": 0.2, "value_clip_range": 0.2}
    assert kept.items() <= asdict(paper).items()
