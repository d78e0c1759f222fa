"""Rewards are the reward model's scores of the very tokens, end-of-text where the answer ended and only there."""

import pytest
import torch
from torch import Tensor

from tests.trainer.models import PROMPTS, reward_model, tokens
from trainer.alternatives.reward_function import charged_without_eos, scored_by
from trainer.errors import ModelUnusable
from trainer.reward.scoring import RewardModel


def test_a_score_is_that_of_the_same_tokens_with_end_of_text_and_without() -> None:
    model = reward_model(mean=0.3, std=0.02)
    ended = [model.tokens.answer(turns, "It is Friday, and so on.") for turns in PROMPTS]
    cut = [said[:-1] for said in ended]
    asked = [model.tokens.prompt(turns) for turns in PROMPTS]
    for said in (ended, cut):
        found = scored_by(model)(prompts=PROMPTS, completion_ids=said, completions=["ignored"], trainer_state=None)
        expected = model.score([[*each, *answer] for each, answer in zip(asked, said, strict=True)])
        assert found == pytest.approx(expected.tolist(), abs=1e-5)
    with_eos, without = (torch.tensor(scored_by(model)(prompts=PROMPTS, completion_ids=said)) for said in (ended, cut))
    assert (with_eos - without).abs().min() > 1e-3, "the reward model tells them apart"


def test_a_score_that_is_no_number_ends_training() -> None:
    class Speechless(RewardModel):
        def raw(self, sequences: object) -> Tensor:
            return torch.tensor([torch.nan])

    model = reward_model()
    with pytest.raises(ModelUnusable, match="no numbers"):
        scored_by(Speechless(model.network, model.tokens))(prompts=PROMPTS[:1], completion_ids=[[5]])


def test_only_an_answer_that_did_not_end_is_charged() -> None:
    eos = tokens().eos
    assert charged_without_eos(eos, penalty=2.0)(prompts=[], completion_ids=[[5, eos], [5, 6], [eos]]) == [0, -2, 0]
