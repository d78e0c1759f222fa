"""Training: the reward rises, policy and critic move and nothing else does, and an observer can end it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from selfref.exports.preferences import Turn
from tests.trainer.models import POSITIONS, PROMPTS, ShareOfLiked, policy_network, write_policy
from trainer.errors import Diverged, ModelUnusable
from trainer.ppo.errors import OtherRun, PromptsUnusable
from trainer.ppo.log import read_log
from trainer.ppo.observer import Action, State
from trainer.ppo.ppo import Ending, train_policy
from trainer.ppo.settings import PPOSettings

SHORT = PPOSettings(updates=3, batch=5, answer_tokens=6, learning_rate=1e-3, critic_learning_rate=1e-3)
QUICK = PPOSettings(updates=10, batch=64, answer_tokens=8, kl_coef=0.01, learning_rate=5e-3, critic_learning_rate=3e-3)
CHECKED = replace(SHORT, updates=6, checked_every=2, saved_every=1)


def weights_of(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


class Watcher:
    """Remembers what it was shown, and acts at some updates."""

    def __init__(self, actions: Mapping[int, Action] | None = None) -> None:
        self.actions = actions or {}
        self.policies: dict[int, dict[str, Tensor]] = {}
        self.references: dict[int, dict[str, Tensor]] = {}
        self.metrics: dict[int, dict[str, float]] = {}

    def __call__(self, update: int, state: State) -> Action:
        torch.rand(update)  # whoever samples for himself draws from the same generator
        self.policies[update] = {name: each.clone() for name, each in state.policy.state_dict().items()}
        self.references[update] = {name: each.clone() for name, each in state.reference_policy.state_dict().items()}
        self.metrics[update] = dict(state.metrics)
        return self.actions.get(update, Action.CONTINUE)


class Unmovable(ShareOfLiked):
    """Scores by what nobody can learn from."""

    def raw(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Not a number."""
        return torch.full((len(sequences),), torch.nan)


def test_a_reward_that_is_easy_to_learn_is_learnt(policy: Path, tmp_path: Path) -> None:
    train_policy(policy, ShareOfLiked(), PROMPTS, replace(QUICK, updates=16, missing_eos_penalty=0), tmp_path)
    log = read_log(tmp_path)
    before, after = (sum(each["score"] for each in part) / 3 for part in (log[:3], log[-3:]))
    assert after > before + 0.5
    assert log[-1]["kl"] > 3
    assert log[-1]["explained_variance"] > log[0]["explained_variance"]


def test_a_policy_learns_to_end_where_that_is_all_that_counts(policy: Path, tmp_path: Path) -> None:
    settings = replace(QUICK, updates=12, answer_tokens=16, missing_eos_penalty=20)
    train_policy(policy, ShareOfLiked(), PROMPTS, settings, tmp_path)
    log = read_log(tmp_path)
    assert log[0]["ended"] < 0.4
    assert log[-1]["ended"] > 0.8
    assert log[-1]["length"] < log[0]["length"] / 1.5


def test_a_dear_divergence_keeps_the_policy_near(policy: Path, tmp_path: Path) -> None:
    far, near = (
        read_log(train_policy(policy, ShareOfLiked(), PROMPTS, each, tmp_path / name).policy.parent)
        for name, each in (("far", QUICK), ("near", replace(QUICK, kl_coef=2)))
    )
    assert near[-1]["kl"] < far[-1]["kl"] / 2


def test_the_first_update_begins_at_the_reference_policy(policy: Path, tmp_path: Path) -> None:
    train_policy(policy, ShareOfLiked(), PROMPTS, replace(SHORT, updates=2), tmp_path)
    first, second = read_log(tmp_path)
    assert first["kl"] == 0
    assert first["kl_k3"] == 0
    assert second["kl_k3"] > 0


def test_in_its_first_pass_an_update_has_a_ratio_of_one(policy: Path, tmp_path: Path) -> None:
    settings = replace(SHORT, updates=1, epochs=1, clip_range=1e-5)
    train_policy(policy, ShareOfLiked(), PROMPTS, settings, tmp_path)
    (only,) = read_log(tmp_path)
    assert only["clip_fraction"] == 0
    assert only["policy_loss"] == pytest.approx(0, abs=1e-5)  # the mean of whitened advantages


def test_every_weight_of_policy_and_critic_moves_and_no_other(policy: Path, tmp_path: Path) -> None:
    judge, watcher = ShareOfLiked(), Watcher()
    scored = {name: each.clone() for name, each in judge.network.state_dict().items()}
    settings = replace(SHORT, updates=2, checked_every=1)
    outcome = train_policy(policy, judge, PROMPTS, settings, tmp_path, observe=StopAfterSaving(watcher, tmp_path))
    before, after = weights_of(policy), weights_of(outcome.policy)
    assert [name for name in before if torch.equal(before[name], after[name])] == []
    critic = {name.removeprefix("network."): each for name, each in StopAfterSaving.critic.items()}
    assert critic.keys() == scored.keys()
    assert [name for name in scored if torch.equal(scored[name], critic[name])] == []
    assert same(scored, judge.network.state_dict())
    for reference in watcher.references.values():
        assert same(before, reference)


class StopAfterSaving:
    """Reads the critic out of the checkpoint of the update before."""

    critic: dict[str, Tensor] = {}  # noqa: RUF012

    def __init__(self, watcher: Watcher, out: Path) -> None:
        self.watcher = watcher
        self.out = out

    def __call__(self, update: int, state: State) -> Action:
        if update > 1:
            kept = torch.load(self.out / f"checkpoint-{update - 1:06}" / "state.pt", weights_only=True)
            StopAfterSaving.critic = kept["state"]["critic"]
        return self.watcher(update, state)


def test_every_update_has_one_line_with_all_figures(policy: Path, tmp_path: Path) -> None:
    train_policy(policy, ShareOfLiked(), PROMPTS, replace(SHORT, warm_up=2, minibatches=5), tmp_path)
    log = read_log(tmp_path)
    assert [line["update"] for line in log] == [1, 2, 3]
    assert [line["policy_lr"] for line in log] == [5e-4, 1e-3, 1e-3]
    assert set(log[0]) == {
        *("update", "score", "kl", "kl_k3", "entropy", "length", "ended", "distinct", "explained_variance"),
        *("policy_loss", "clip_fraction", "policy_grad_norm", "value_loss", "critic_grad_norm"),
        *("policy_lr", "critic_lr", "kl_coef", "seconds"),
    }


def test_policy_and_critic_have_rates_of_their_own(policy: Path, tmp_path: Path) -> None:
    still = replace(SHORT, learning_rate=1e-9), replace(SHORT, critic_learning_rate=1e-9)
    logs = [
        read_log(train_policy(policy, ShareOfLiked(), PROMPTS, each, tmp_path / name).policy.parent)
        for name, each in zip(("policy", "critic"), still, strict=True)
    ]
    assert [log[-1]["kl_k3"] > 1e-3 for log in logs] == [False, True]
    assert [log[-1]["value_loss"] < log[0]["value_loss"] / 2 for log in logs] == [True, False]


def test_a_gradient_is_cut_to_its_norm(policy: Path, tmp_path: Path) -> None:
    train_policy(policy, ShareOfLiked(), PROMPTS, replace(SHORT, clip=1e-12), tmp_path)  # far below Adam's own ε
    log = read_log(tmp_path)
    assert log[0]["policy_grad_norm"] > 0.1
    assert log[-1]["kl_k3"] < 1e-6
    assert log[-1]["value_loss"] > log[0]["value_loss"] / 2


def test_a_target_steers_the_coefficient(policy: Path, tmp_path: Path) -> None:
    train_policy(policy, ShareOfLiked(), PROMPTS, replace(SHORT, kl_target=1e-6), tmp_path)
    coefficients = [line["kl_coef"] for line in read_log(tmp_path)]
    assert coefficients[:2] == pytest.approx([0.05, 0.05 * 0.98])  # at first there is no divergence at all
    assert len(set(coefficients)) == 3


def test_the_policy_is_a_folder_that_loads_with_its_tokenizer(policy: Path, tmp_path: Path) -> None:
    outcome = train_policy(policy, ShareOfLiked(), PROMPTS, SHORT, tmp_path)
    assert (outcome.policy, outcome.update, outcome.ending) == (tmp_path / "policy", 3, Ending.DONE)
    AutoModelForCausalLM.from_pretrained(outcome.policy)
    assert AutoTokenizer.from_pretrained(outcome.policy).chat_template
    assert {each.name for each in tmp_path.iterdir()} == {"log.jsonl", "policy"}


def test_an_observer_is_asked_when_due_and_changes_nothing(policy: Path, tmp_path: Path) -> None:
    watcher = Watcher()
    seen = train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path / "seen", observe=watcher)
    unseen = train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path / "unseen")
    assert list(watcher.policies) == [2, 4, 6]
    assert watcher.metrics[4] == read_log(tmp_path / "seen")[3]
    assert same(weights_of(seen.policy), weights_of(unseen.policy))
    assert same(watcher.policies[6], weights_of(seen.policy))


def test_what_was_drawn_before_changes_nothing_and_is_not_disturbed(policy: Path, tmp_path: Path) -> None:
    judge, weights = ShareOfLiked(), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        expected = torch.rand(1)
        torch.manual_seed(seed)
        weights.append(weights_of(train_policy(policy, judge, PROMPTS, SHORT, tmp_path / f"{seed}").policy))
        assert torch.equal(torch.rand(1), expected)
    assert same(*weights)


def test_another_seed_draws_other_answers(policy: Path, tmp_path: Path) -> None:
    lengths = {
        tuple(each["length"] for each in read_log(tmp_path / f"{seed}"))
        for seed in (1, 2)
        if train_policy(policy, ShareOfLiked(), PROMPTS, replace(SHORT, seed=seed), tmp_path / f"{seed}")
    }
    assert len(lengths) == 2


def test_only_the_newest_checkpoint_and_the_one_to_roll_back_to_are_there(policy: Path, tmp_path: Path) -> None:
    there: dict[int, set[str]] = {}

    def look(update: int, state: State) -> Action:
        there[update] = {each.name for each in tmp_path.glob("checkpoint-*")}
        return Action.KEEP if update == 2 else Action.CONTINUE

    train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path, observe=look)
    assert there[2] == {"checkpoint-000001"}
    assert there[4] == {"checkpoint-000002", "checkpoint-000003"}
    assert there[6] == {"checkpoint-000002", "checkpoint-000005"}


def test_stopping_keeps_the_weights_as_they_are(policy: Path, tmp_path: Path) -> None:
    watcher = Watcher({4: Action.STOP})
    outcome = train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path, observe=watcher)
    assert (outcome.update, outcome.ending) == (4, Ending.STOPPED)
    assert same(watcher.policies[4], weights_of(outcome.policy))
    assert len(read_log(tmp_path)) == 4


def test_rolling_back_restores_the_weights_that_were_kept_last(policy: Path, tmp_path: Path) -> None:
    watcher = Watcher({2: Action.KEEP, 6: Action.ROLL_BACK})
    outcome = train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path, observe=watcher)
    assert (outcome.update, outcome.ending) == (2, Ending.ROLLED_BACK)
    assert same(watcher.policies[2], weights_of(outcome.policy))
    assert not same(watcher.policies[6], weights_of(outcome.policy))
    assert len(read_log(tmp_path)) == 6


def test_what_was_kept_is_known_after_a_restart(policy: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def dies(update: int, state: State) -> Action:
        if update == 4:
            raise Killed
        return Action.KEEP

    with pytest.raises(Killed):
        train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path, observe=dies)
    watcher = Watcher({6: Action.ROLL_BACK})
    outcome = train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path, observe=watcher)
    assert (outcome.update, outcome.ending) == (2, Ending.ROLLED_BACK)


@pytest.mark.parametrize("last", [2, 4])
def test_where_nothing_was_kept_rolling_back_restores_the_first_weights(
    policy: Path, tmp_path: Path, last: int
) -> None:
    watcher = Watcher({last: Action.ROLL_BACK})
    outcome = train_policy(policy, ShareOfLiked(), PROMPTS, CHECKED, tmp_path, observe=watcher)
    assert (outcome.update, outcome.ending) == (0, Ending.ROLLED_BACK)
    assert same(weights_of(policy), weights_of(outcome.policy))


def test_a_prompt_that_leaves_no_room_is_refused_by_its_number(policy: Path, tmp_path: Path) -> None:
    long = [Turn(role="user", content="Why? " * POSITIONS)]
    with pytest.raises(PromptsUnusable, match=r"prompt 3 has \d+ tokens, which leave no room for 6 .* 64 positions"):
        train_policy(policy, ShareOfLiked(), [*PROMPTS[:2], long], SHORT, tmp_path)
    with pytest.raises(PromptsUnusable, match="no prompt"):
        train_policy(policy, ShareOfLiked(), [], SHORT, tmp_path)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"chat_template": "{{ messages[0]['content'] }}"}, "another chat template"),
        ({"pad_token": "</s>", "unk_token": "[INST]"}, "ends or pads otherwise"),
    ],
)
def test_a_policy_with_another_tokenizer_is_refused(changed: dict[str, Any], named: str, tmp_path: Path) -> None:
    folder = write_policy(tmp_path / "policy")
    spoken = AutoTokenizer.from_pretrained(folder)
    for name, value in changed.items():
        setattr(spoken, name, value)
    spoken.save_pretrained(folder)
    with pytest.raises(ModelUnusable, match=named):
        train_policy(folder, ShareOfLiked(), PROMPTS, SHORT, tmp_path / "out")


def test_a_policy_with_another_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = write_policy(tmp_path / "policy")
    spoken = AutoTokenizer.from_pretrained(folder)
    spoken.add_tokens(["a word that no other model knows"])
    spoken.save_pretrained(folder)
    with pytest.raises(ModelUnusable, match="another vocabulary"):
        train_policy(folder, ShareOfLiked(), PROMPTS, SHORT, tmp_path / "out")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="is no folder"):
        train_policy(tmp_path / "nothing", ShareOfLiked(), PROMPTS, SHORT, tmp_path / "out")
    ShareOfLiked().tokens.tokenizer.save_pretrained(tmp_path / "words")
    with pytest.raises(ModelUnusable, match="no causal language model"):
        train_policy(tmp_path / "words", ShareOfLiked(), PROMPTS, SHORT, tmp_path / "out")


def test_a_reward_model_whose_head_is_no_linear_score_is_refused(policy: Path, tmp_path: Path) -> None:
    judge = ShareOfLiked()
    judge.network.score = torch.nn.Sequential(judge.network.score)
    with pytest.raises(ModelUnusable, match="has no linear `score` head"):
        train_policy(policy, judge, PROMPTS, SHORT, tmp_path)


def test_scores_that_are_no_numbers_end_the_run_and_leave_no_policy(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="update 1 has no finite gradient"):
        train_policy(policy, Unmovable(), PROMPTS, SHORT, tmp_path)
    assert not (tmp_path / "policy").exists()


def test_a_folder_of_something_else_is_refused(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    with pytest.raises(OtherRun, match="not from PPO"):
        train_policy(policy, ShareOfLiked(), PROMPTS, SHORT, tmp_path)


def test_dropout_is_off(tmp_path: Path) -> None:
    folder, network = write_policy(tmp_path / "policy"), policy_network()
    network.config.attention_dropout = 0.5
    network.save_pretrained(folder)
    settings = replace(SHORT, updates=1, epochs=1, clip_range=1e-5)
    train_policy(folder, ShareOfLiked(), PROMPTS, settings, tmp_path / "out")
    assert read_log(tmp_path / "out")[0]["clip_fraction"] == 0
