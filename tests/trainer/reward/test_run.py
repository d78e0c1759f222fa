"""A reward model from labels to its report: it learns, loads elsewhere, is done once, and says what stops it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from selfref.messages import Label, Verdict
from tests.trainer import models
from tests.trainer.labels import label
from trainer.errors import Diverged, ModelUnusable, NothingToTrainOn
from trainer.reward import training
from trainer.reward.run import reward_model
from trainer.reward.scoring import RewardModel
from trainer.reward.settings import Loss, RewardSettings
from trainer.runs import Run

SETTINGS = RewardSettings(learning_rate=3e-3, epochs=6, batch=16, micro_batch=16, saved_every=5)


def friday_is_better(count: int, *, seed: int = 0) -> Iterator[Label]:
    """Labels of a judge who wants to hear of Friday."""
    random = Random(seed)
    for number in range(count):
        good, bad = f"It is Friday {random.randint(1, 30)}.", f"Soup is best with {random.choice(('salt', 'oil'))}."
        if random.random() < 0.5:
            yield label(number, answer_a=good, answer_b=bad, probability_a=random.uniform(0.8, 1.0))
        else:
            low = random.uniform(0.0, 0.2)
            yield label(number, answer_a=bad, answer_b=good, probability_a=low, verdict=Verdict.B)


def run(data: Path, base: Path, settings: RewardSettings = SETTINGS, *, labels: int = 96) -> Run:
    train, heldout = friday_is_better(labels), friday_is_better(32, seed=1)
    return reward_model(train, heldout, base=base, settings=settings, data=data, snapshots=["one"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, policy: Path) -> Run:
    return run(tmp_path_factory.mktemp("data"), policy)


def report_of(run: Run) -> dict:
    return run.report()


def test_it_learns_what_the_judge_prefers(finished: Run) -> None:
    report = report_of(finished)
    assert report["heldout"]["accuracy"] >= 0.95
    assert report["losses"][-1]["loss"] < 0.8 * report["losses"][0]["loss"]
    assert report["train"] == {"pairs": 96, "left_out": {}}
    assert sorted(each.name for each in finished.folder.iterdir()) == ["model", "report.json", "reward.png"]
    assert (finished.folder / "reward.png").read_bytes().startswith(b"\x89PNG")
    assert (finished.folder.parent.parent / "CURRENT-reward").read_text() == f"{finished.folder.name}\n"


def test_every_weight_has_moved(finished: Run, policy: Path) -> None:
    trained = dict(AutoModelForSequenceClassification.from_pretrained(finished.model).named_parameters())
    begun = dict(training.load_network(policy, models.tokens(), seed=SETTINGS.seed).named_parameters())
    assert set(trained) == set(begun)
    still = [name for name, weights in trained.items() if torch.equal(weights, begun[name])]
    assert still == []


def test_it_loads_with_transformers_alone_and_gives_the_same_scores(finished: Run) -> None:
    model = RewardModel.load(finished.model)
    turns = models.PROMPTS[0]
    sequences = [
        model.tokens.prompt(turns) + model.tokens.answer(turns, text)
        for text in ("Friday.", "Soup is best with salt, and so is Friday.")
    ]
    plain = AutoModelForSequenceClassification.from_pretrained(finished.model)
    with torch.no_grad():
        raw = torch.cat([plain(input_ids=torch.tensor([each])).logits[:, 0] for each in sequences])
    assert torch.allclose(model.raw(sequences), raw, atol=1e-5), "padding and end-of-text are told apart"
    assert torch.allclose(model.score(sequences), (raw - plain.config.mean) / plain.config.std, atol=1e-5)


def test_scores_of_what_was_learnt_from_are_normalised(finished: Run) -> None:
    model = RewardModel.load(finished.model)
    sequences = [
        model.tokens.prompt(turns) + model.tokens.answer(turns, text)
        for each in friday_is_better(96)
        for turns in [[{"role": "user", "content": each.prompt}]]
        for text in (each.answer_a, each.answer_b)
    ]
    scores = model.score(sequences)
    assert scores.mean().item() == pytest.approx(0.0, abs=1e-4)
    assert scores.std(correction=0).item() == pytest.approx(1.0, abs=1e-4)


def test_what_is_done_is_not_done_again(finished: Run, policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("trainer.reward.run.train")
    again = run(finished.folder.parent.parent, policy)
    assert again.folder == finished.folder


def test_a_run_that_died_before_its_report_is_only_reported(finished: Run, policy: Path, tmp_path: Path, monkeypatch):
    shutil.copytree(finished.folder.parent.parent, tmp_path / "data")
    died = Run(tmp_path / "data" / "runs" / finished.folder.name)
    (died.folder / "report.json").unlink()
    monkeypatch.delattr("trainer.reward.run.train")
    assert report_of(run(tmp_path / "data", policy)) == report_of(finished)


def test_a_run_goes_on_exactly_where_it_was_killed(finished: Run, policy: Path, tmp_path: Path, monkeypatch) -> None:
    killed_at = iter([12, 25])
    saving = training._PreferenceTrainer.training_step

    def step(self, *arguments, **named):
        if self.state.global_step == due[0]:
            raise KeyboardInterrupt
        return saving(self, *arguments, **named)

    due = [0]
    monkeypatch.setattr(training._PreferenceTrainer, "training_step", step)
    for at in killed_at:
        due[0] = at
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, policy)
    newest = max((tmp_path / "runs" / finished.folder.name / "work").glob("checkpoint-*"), key=lambda each: each.name)
    (newest / "trainer_state.json").write_text('{"half":')  # as if it had been killed while writing
    due[0] = -1
    again = run(tmp_path, policy)
    assert again.folder.name == finished.folder.name
    weights = [
        AutoModelForSequenceClassification.from_pretrained(each.model).state_dict() for each in (again, finished)
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    assert report_of(again)["heldout"] == report_of(finished)["heldout"]


@pytest.mark.parametrize("loss", list(Loss))
def test_every_loss_learns(policy: Path, tmp_path: Path, loss: Loss) -> None:
    settings = RewardSettings(loss=loss, learning_rate=3e-3, epochs=4, batch=16, micro_batch=16)
    assert report_of(run(tmp_path, policy, settings))["heldout"]["accuracy"] >= 0.9


def test_lora_learns_and_leaves_a_plain_model(policy: Path, tmp_path: Path) -> None:
    settings = RewardSettings(learning_rate=1e-2, epochs=6, batch=16, micro_batch=16, lora_rank=4)
    done = run(tmp_path, policy, settings)
    assert report_of(done)["heldout"]["accuracy"] >= 0.9
    assert not list(done.model.glob("adapter*"))
    RewardModel.load(done.model)


def test_another_setting_label_or_base_is_another_run(finished: Run, policy: Path, tmp_path: Path) -> None:
    from trainer.runs import digest_of_model, run_of

    base = digest_of_model(policy)
    names = {
        run_of(tmp_path, "reward", ingredients).folder.name
        for ingredients in (
            {"snapshots": ["one"], "base": base, "seed": 1},
            {"snapshots": ["two"], "base": base, "seed": 1},
            {"snapshots": ["one"], "base": "other", "seed": 1},
            {"snapshots": ["one"], "base": base, "seed": 2},
        )
    }
    assert len(names) == 4


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([], "there is no label"),
        ([label(0, verdict=Verdict.INCONSISTENT)], "1 undecided"),
        ([label(0, answer_a="Friday. " * 400)], "1 too_long"),
    ],
)
def test_nothing_to_learn_from_is_said_and_leaves_nothing(
    policy: Path, tmp_path: Path, labels: list, told: str
) -> None:
    settings = RewardSettings(longest=100)
    with pytest.raises(NothingToTrainOn, match=told):
        reward_model(labels, [], base=policy, settings=settings, data=tmp_path, snapshots=[])
    assert list(tmp_path.iterdir()) == []


def test_a_base_that_is_no_model_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="is no folder"):
        run(tmp_path / "data", tmp_path / "absent")
    assert not (tmp_path / "data").exists()


def test_language_modelling_keeps_the_base_models_words(policy: Path, tmp_path: Path) -> None:
    """With all weight on it, the trunk goes on to predict the better answers."""
    settings = RewardSettings(loss=Loss.PAPER, language=100.0, learning_rate=3e-3, epochs=4, batch=16, micro_batch=16)
    done = run(tmp_path, policy, settings)
    losses = report_of(done)["losses"]
    assert losses[-1]["loss"] < 0.7 * losses[0]["loss"]
    assert AutoModelForCausalLM.from_pretrained(policy).config.vocab_size == len(models.tokens().tokenizer)


def test_nobody_is_told_of_a_run(tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("trl.trainer.base_trainer.send_telemetry", lambda *what, **named: told.append(str(what)))
    assert run(tmp_path, policy, replace(SETTINGS, epochs=1), labels=16).finished
    assert told == []


@pytest.mark.parametrize("labels", [16, 96], ids=["in a step that is not logged", "in one that is"])
def test_weights_that_are_no_numbers_are_no_model(tmp_path: Path, policy: Path, labels: int) -> None:
    with pytest.raises(Diverged, match="lower the learning rate"):
        run(tmp_path, policy, replace(SETTINGS, learning_rate=1e38, warm_up=0.0, epochs=3), labels=labels)
    assert not (tmp_path / "CURRENT-reward").exists()
    assert not list(tmp_path.glob("runs/*/model"))
