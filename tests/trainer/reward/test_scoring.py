"""A score is of its sequence alone: not of the batch, its order, or the padding; and end-of-text is part of it."""

from pathlib import Path

import pytest
import torch

from tests.trainer import models
from trainer.errors import ModelUnusable
from trainer.reward import scoring
from trainer.reward.scoring import RewardModel

TOKENS = models.tokens()
SEQUENCES = [
    TOKENS.prompt(turns) + TOKENS.answer(turns, answer)
    for turns in models.PROMPTS
    for answer in ("Yes.", "No, it is Friday, and I could go on about this all day.", "21.")
]


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_neither_batch_nor_order_changes_a_score(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    model = models.reward_model()
    alone = torch.cat([model.score([each]) for each in SEQUENCES])
    monkeypatch.setattr(scoring, "BATCH", batch)
    assert torch.allclose(model.score(SEQUENCES), alone, atol=1e-5)
    assert torch.allclose(model.score(SEQUENCES[::-1]).flip(0), alone, atol=1e-5)


def test_whether_an_answer_ended_is_seen() -> None:
    model = models.reward_model()
    ended, cut = model.raw(SEQUENCES), model.raw([each[:-1] for each in SEQUENCES])
    assert (ended - cut).abs().min() > 1e-3


def test_scores_are_shifted_and_scaled_as_the_config_says() -> None:
    raw = models.reward_model().raw(SEQUENCES)
    assert torch.allclose(models.reward_model(mean=2.0, std=4.0).score(SEQUENCES), (raw - 2.0) / 4.0, atol=1e-6)


def test_what_is_no_reward_model_is_refused(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="is no folder"):
        RewardModel.load(tmp_path / "absent")
    with pytest.raises(ModelUnusable, match="not one score"):
        RewardModel.load(policy)
