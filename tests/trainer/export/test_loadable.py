"""A reward model as OpenRLHF saves it, which neither transformers nor our PPO could use, is put right."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaForSequenceClassification

from tests.trainer import models
from trainer.errors import ModelUnusable
from trainer.export.loadable import make_loadable
from trainer.ppo.critic import Critic
from trainer.reward.scoring import RewardModel

QUESTION = [{"role": "user", "content": "Which day?"}]


@pytest.fixture
def sequences() -> list[list[int]]:
    tokens = models.tokens()
    answers = ("It is Friday.", "Soup is best with salt and more.", "No.")
    return [tokens.prompt(QUESTION) + tokens.answer(QUESTION, answer) for answer in answers]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, LlamaForSequenceClassification]:
    """Keys and config as OpenRLHF 0.11.2 left them when its own class was run here, and the network that it is."""
    network = models.reward_model(mean=0.25, std=1.5).network
    network.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(models.TOKENIZER).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for name in ("id2label", "label2id", "problem_type"):
        config.pop(name, None)
    config |= {"architectures": ["RewardModel"], "value_head_prefix": "score", "normalize_reward": False}
    config["pad_token_id"] = config["eos_token_id"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path, network


def scores_at_the_end(network: LlamaForSequenceClassification, sequences: list[list[int]]) -> torch.Tensor:
    with torch.no_grad():
        hidden = [network.model(torch.tensor([each])).last_hidden_state[0, -1] for each in sequences]
        return (network.score(torch.stack(hidden))[:, 0] - 0.25) / 1.5


def test_it_loads_and_scores_at_end_of_text(saved, sequences) -> None:
    folder, network = saved
    with pytest.raises(ModelUnusable, match="mismatched"):
        RewardModel.load(folder)
    padding = models.tokens().padding
    make_loadable(folder, padding=padding)
    model = RewardModel.load(folder)
    assert (model.mean, model.std) == (0.25, 1.5)
    assert torch.allclose(model.score(sequences), scores_at_the_end(network, sequences), atol=1e-5)
    Critic(model)


def test_with_end_of_text_as_padding_the_score_would_be_another(saved, sequences) -> None:
    folder, network = saved
    make_loadable(folder, padding=models.tokens().eos)
    assert not torch.allclose(
        RewardModel.load(folder).score(sequences), scores_at_the_end(network, sequences), atol=1e-3
    )


def test_it_may_be_run_again_and_keeps_the_rest(saved) -> None:
    folder, _ = saved
    before = json.loads((folder / "config.json").read_text())
    make_loadable(folder, padding=0)
    once = (folder / "config.json").read_bytes()
    make_loadable(folder, padding=0)
    assert (folder / "config.json").read_bytes() == once
    changed = {"id2label", "label2id", "pad_token_id"}
    after = json.loads(once)
    assert {name: value for name, value in after.items() if name not in changed} == {
        name: value for name, value in before.items() if name not in changed
    }
    assert not list(folder.glob(".*"))
