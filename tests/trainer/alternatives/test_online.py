"""RLOO and GRPO: the reward rises, the reference policy is the first policy, and a killed run ends the same."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from selfref.exports.preferences import Turn
from tests.trainer.models import POSITIONS, PROMPTS, ShareOfLiked, policy_network, write_policy
from trainer.alternatives import online
from trainer.alternatives.online import train_online
from trainer.alternatives.settings import Algorithm, OnlineSettings
from trainer.errors import ModelUnusable
from trainer.plain import Trained, carried_out
from trainer.ppo.errors import PromptsUnusable
from trainer.ppo.learner import load_policy
from trainer.ppo.order import prompts_of_update

SHORT = OnlineSettings(
    algorithm=Algorithm.RLOO, updates=2, batch=3, answers=2, micro_batch=6, answer_tokens=6, learning_rate=1e-3
)
QUICK = replace(
    SHORT,
    updates=10,
    batch=16,
    answers=4,
    micro_batch=64,
    answer_tokens=8,
    kl_coef=0.01,
    learning_rate=5e-3,
    missing_eos_penalty=0.0,
)
both = pytest.mark.parametrize("algorithm", list(Algorithm))


class Recorder(ShareOfLiked):
    """Remembers what it scored."""

    def __init__(self) -> None:
        super().__init__()
        self.scored: list[list[int]] = []

    def raw(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Of prompts with their answers."""
        self.scored += map(list, sequences)
        return super().raw(sequences)


class Mortal(ShareOfLiked):
    """Dies when it is asked for the nth time."""

    def __init__(self, dies_at: int) -> None:
        super().__init__()
        self.left = dies_at

    def raw(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Of prompts with their answers."""
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return super().raw(sequences)


def same(one: Any, other: Any) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def loaded(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def trained(policy: Path, folder: Path, settings: OnlineSettings, model: ShareOfLiked | None = None) -> Trained:
    return train_online(policy, model or ShareOfLiked(), PROMPTS, settings, folder=folder)


@both
def test_the_reward_rises_and_every_weight_moves(algorithm: Algorithm, policy: Path, tmp_path: Path) -> None:
    found = trained(policy, tmp_path, replace(QUICK, algorithm=algorithm))
    rewards = [step["reward"] for step in found.log]
    assert len(rewards) == 10
    assert sum(rewards[-2:]) / 2 > sum(rewards[:2]) / 2 + 0.3
    assert found.log[-1]["kl"] > 0.1, "the reference policy stays behind"
    before = dict(loaded(policy).named_parameters())
    assert [name for name, each in found.network.named_parameters() if torch.equal(each, before[name])] == []


@both
def test_the_reference_policy_is_the_first_policy_and_stays_so(algorithm: Algorithm, policy: Path, tmp_path: Path):
    judge, first = ShareOfLiked(), loaded(policy)
    settings = replace(SHORT, algorithm=algorithm)
    trainer: Any = online._trainer(load_policy(policy, judge), judge, PROMPTS, settings, folder=tmp_path)
    assert same(trainer.ref_model, first)
    assert trainer.ref_model is not trainer.model
    found = carried_out(trainer, tmp_path)
    assert same(trainer.ref_model, first)
    assert not same(found.network, first)
    assert found.log[0]["kl"] == pytest.approx(0.0, abs=1e-6), "nothing lies between them at first"


@both
def test_policy_and_reward_model_see_the_same_tokens(algorithm: Algorithm, policy: Path, tmp_path: Path) -> None:
    judge, turns = Recorder(), [Turn(role="system", content="Be brief."), Turn(role="user", content="  Is 1 < 2? ")]
    prompts = [*PROMPTS, turns]
    settings = replace(SHORT, algorithm=algorithm, updates=1, batch=6, answers=16, micro_batch=96, answer_tokens=12)
    network = load_policy(policy, judge)
    network.generation_config = online._plain(judge.tokens)
    trainer: Any = online._trainer(network, judge, prompts, settings, folder=tmp_path)
    read: list[list[list[int]]] = []

    def remember(module: Any, arguments: Any, named: dict[str, Any]) -> None:
        rows = zip(named["input_ids"], named["attention_mask"].bool(), strict=True)
        read.append([ids[-mask.sum() :].tolist() if len(ids) < len(mask) else ids[mask].tolist() for ids, mask in rows])

    trainer.model.register_forward_pre_hook(remember, with_kwargs=True)
    carried_out(trainer, tmp_path)
    asked = [judge.tokens.prompt(each) for each in prompts]
    assert sorted(read[0]) == sorted(each for each in asked for _ in range(16)), "what it answers to"
    assert sorted(read[-1]) == sorted(judge.scored), "what it learns from is what was scored"
    answers = [next(each[len(one) :] for one in asked if each[: len(one)] == one) for each in judge.scored]
    assert {each.index(judge.tokens.eos) == len(each) - 1 for each in answers if judge.tokens.eos in each} == {True}
    cut = [each for each in answers if each[-1] != judge.tokens.eos]
    assert 0 < len(cut) < len(answers)
    assert {len(each) for each in cut} == {12}


@both
def test_how_a_policy_usually_samples_and_ends_changes_nothing(algorithm: Algorithm, policy: Path, tmp_path: Path):
    settings = replace(SHORT, algorithm=algorithm)
    plain = trained(policy, tmp_path / "plain", settings)
    folder = write_policy(tmp_path / "policy")
    own = GenerationConfig(do_sample=True, top_k=1, repetition_penalty=9.0, eos_token_id=[2, *range(20, 300)])
    own.save_pretrained(folder)
    found = trained(folder, tmp_path / "out", settings)
    assert same(found.network, plain.network)
    assert found.network.generation_config.top_k == 1, "which the better policy keeps"


@both
def test_a_run_that_was_killed_twice_ends_with_the_same_weights(algorithm: Algorithm, policy: Path, tmp_path: Path):
    settings = replace(SHORT, algorithm=algorithm, updates=7, batch=2, micro_batch=2, epochs=2, saved_every=2)
    whole = trained(policy, tmp_path / "whole", settings)
    for dies_at in (4, 4):
        with pytest.raises(KeyboardInterrupt):
            trained(policy, tmp_path / "killed", settings, Mortal(dies_at))
    left = Mortal(dies_at=0)
    again = trained(policy, tmp_path / "killed", settings, left)
    assert left.left == -3, "updates 5, 6 and 7"
    assert same(again.network, whole.network)
    rewards = [[step["reward"] for step in each.log] for each in (again, whole)]
    assert rewards[0] == rewards[1]


def test_prompts_come_in_the_order_in_which_ppo_takes_them(policy: Path, tmp_path: Path) -> None:
    judge = Recorder()
    trained(policy, tmp_path, replace(SHORT, updates=4, batch=3, micro_batch=6, answer_tokens=1), judge)
    due = [index for update in range(1, 5) for index in prompts_of_update(update, batch=3, prompts=5, seed=SHORT.seed)]
    assert [each[:-1] for each in judge.scored] == [
        judge.tokens.prompt(PROMPTS[index]) for index in due for _ in range(SHORT.answers)
    ]


def test_without_a_cost_there_is_no_reference_policy(policy: Path, tmp_path: Path) -> None:
    assert "kl" not in trained(policy, tmp_path, replace(SHORT, kl_coef=0.0)).log[0]


def test_a_prompt_that_leaves_no_room_is_named_by_its_number(policy: Path, tmp_path: Path) -> None:
    long = [Turn(role="user", content="Why? " * POSITIONS)]
    folder = tmp_path / "work"
    with pytest.raises(PromptsUnusable, match=r"prompt 2 has \d+ tokens, which leave no room for 6 .* 64 positions"):
        train_online(policy, ShareOfLiked(), [PROMPTS[0], long], SHORT, folder=folder)
    with pytest.raises(PromptsUnusable, match="no prompt"):
        train_online(policy, ShareOfLiked(), [], SHORT, folder=folder)
    assert not folder.exists()


def test_a_policy_with_another_tokenizer_than_the_reward_models_is_refused(tmp_path: Path) -> None:
    folder = write_policy(tmp_path / "policy")
    spoken = AutoTokenizer.from_pretrained(folder)
    spoken.add_tokens(["a word that no other model knows"])
    spoken.save_pretrained(folder)
    with pytest.raises(ModelUnusable, match="another vocabulary"):
        trained(folder, tmp_path / "work", SHORT)
    assert not (tmp_path / "work").exists()


def test_dropout_is_off(tmp_path: Path) -> None:
    folder, network = write_policy(tmp_path / "policy"), policy_network()
    network.config.attention_dropout = 0.5
    network.save_pretrained(folder)
    found = trained(folder, tmp_path / "work", replace(SHORT, updates=1))
    assert found.log[0]["kl"] == pytest.approx(0.0, abs=1e-6)
