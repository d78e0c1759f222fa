"""Settings that cannot be meant are refused, each with its reason."""

from typing import Any

import pytest

from trainer.alternatives.settings import Algorithm, DPOSettings, OnlineSettings
from trainer.errors import TrainingError


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"answers": 1}, "answers is 1; an answer is held against others"),
        ({"updates": 0}, "updates is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"micro_batch": 48}, "micro_batch is 48; it does not divide 64 answers"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it has to be more"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"kl_coef": -0.1}, "kl_coef is -0.1; it cannot be less"),
        ({"warm_up": -1}, "warm_up is -1"),
    ],
)
def test_of_rloo_and_grpo(wrong: dict[str, Any], told: str) -> None:
    for algorithm in Algorithm:
        with pytest.raises(TrainingError, match=told):
            OnlineSettings(algorithm=algorithm, **wrong)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"batch": 10, "micro_batch": 4}, "micro_batch is 4; it does not divide a batch of 10"),
        ({"longest": 0}, "longest is 0"),
        ({"beta": 0.0}, "beta is 0.0; it has to be more"),
        ({"epochs": float("inf")}, "epochs is inf"),
        ({"warm_up": 1.0}, "warm_up is 1.0; it is a share"),
    ],
)
def test_of_dpo(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        DPOSettings(**wrong)
