"""DPO: better answers become likelier against worse ones, by the same tokens, and a killed run ends the same."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from selfref.messages import Verdict
from tests.trainer.alternatives.test_online import loaded, same
from tests.trainer.labels import label
from tests.trainer.models import tokens
from tests.trainer.reward.test_run import friday_is_better
from trainer.alternatives import dpo
from trainer.alternatives.dpo import decided_pairs, train_dpo
from trainer.alternatives.run import dpo_policy
from trainer.alternatives.settings import DPOSettings
from trainer.errors import Diverged, ModelUnusable, NothingToTrainOn
from trainer.plain import carried_out
from trainer.reward.pairs import Pair
from trainer.runs import Run

TOKENS = tokens()
SETTINGS = DPOSettings(learning_rate=3e-3, epochs=4, batch=16, micro_batch=8, saved_every=5)
TEACHING = decided_pairs(friday_is_better(48), TOKENS, SETTINGS).kept
TESTING = decided_pairs(friday_is_better(16, seed=1), TOKENS, SETTINGS).kept


def run(data: Path, policy: Path, settings: DPOSettings = SETTINGS) -> Run:
    teaching, testing = friday_is_better(48), friday_is_better(16, seed=1)
    return dpo_policy(teaching, testing, policy=policy, settings=settings, data=data, snapshots=["one"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, policy: Path) -> Run:
    return run(tmp_path_factory.mktemp("data"), policy)


@torch.no_grad()
def margin(network: Any, pair: Pair) -> float:
    """log p(chosen) − log p(rejected), nats, end-of-text included."""

    def said(sequence: list[int]) -> float:
        whole = torch.tensor(sequence)
        log_probs = network(input_ids=whole[None, :-1]).logits[0].log_softmax(dim=-1)
        return log_probs.gather(1, whole[1:, None])[pair.prompt - 1 :].sum().item()

    return said(pair.chosen) - said(pair.rejected)


def test_better_answers_become_likelier_by_as_much_as_it_says(finished: Run, policy: Path) -> None:
    before, after = loaded(policy), loaded(finished.model)
    gained = [margin(after, pair) - margin(before, pair) for pair in TESTING]
    told = finished.report()["heldout"]
    assert min(gained) > 5
    assert told["rewards/margins"] == pytest.approx(SETTINGS.beta * sum(gained) / len(gained), abs=1e-3)
    assert told["rewards/accuracies"] == 1.0


def test_the_report_says_how_it_came_about(finished: Run, policy: Path) -> None:
    report = finished.report()
    assert report["train"] == {"pairs": 48, "left_out": {}}
    assert [step["step"] for step in report["log"]] == list(range(1, 13))
    assert report["log"][0]["loss"] == pytest.approx(0.6931, abs=1e-3), "at first it is the reference policy"
    assert report["log"][-1]["loss"] < 0.1
    assert (report["ending"], report["settings"]["beta"]) == ("done", 0.1)
    assert sorted(each.name for each in finished.folder.iterdir()) == ["model", "report.json"]
    assert (finished.folder.parent.parent / "CURRENT-dpo").read_text() == f"{finished.folder.name}\n"
    network = AutoModelForCausalLM.from_pretrained(finished.model)
    still = [name for name, each in loaded(policy).named_parameters() if torch.equal(each, network.get_parameter(name))]
    assert still == []


def test_the_reference_policy_is_the_first_policy_and_stays_so(policy: Path, tmp_path: Path) -> None:
    trainer = dpo._trainer(loaded(policy), TEACHING, SETTINGS, TOKENS, folder=tmp_path)
    assert trainer.ref_model is not trainer.model
    carried_out(trainer, tmp_path)
    assert same(trainer.ref_model, loaded(policy))
    assert not same(trainer.model, loaded(policy))


def test_a_batch_is_what_its_parts_are(policy: Path, tmp_path: Path) -> None:
    losses = []
    for micro_batch in (16, 4):
        settings = DPOSettings(learning_rate=1e-3, batch=16, micro_batch=micro_batch)
        found = train_dpo(policy, TEACHING, [], settings, TOKENS, folder=tmp_path / f"{micro_batch}")
        losses.append([step["loss"] for step in found.log])
        assert found.heldout is None
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_run_goes_on_exactly_where_it_was_killed(finished: Run, policy: Path, tmp_path: Path, monkeypatch) -> None:
    stepping, due = dpo._DPO.training_step, [0]

    def step(self: Any, *arguments: Any, **named: Any) -> Any:
        if self.state.global_step == due[0]:
            raise KeyboardInterrupt
        return stepping(self, *arguments, **named)

    monkeypatch.setattr(dpo._DPO, "training_step", step)
    for due[0] in (7, 11):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, policy)
    work = tmp_path / "runs" / finished.folder.name / "work"
    assert [each.name for each in work.glob("checkpoint-*")] == ["checkpoint-10"]
    (work / "checkpoint-11").mkdir()  # as if it had been killed while writing it
    (work / "checkpoint-11" / "trainer_state.json").write_text('{"half":')
    due[0] = -1
    again = run(tmp_path, policy)
    assert again.folder.name == finished.folder.name
    assert same(loaded(again.model), loaded(finished.model))
    assert again.report()["heldout"] == finished.report()["heldout"]


def test_what_is_done_is_not_done_again(finished: Run, policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("trainer.alternatives.run.train_dpo")
    data = finished.folder.parent.parent
    assert run(data, policy).folder == finished.folder
    told = finished.report()
    (finished.folder / "report.json").unlink()  # as if it had died before
    assert run(data, policy).report() == told


def test_only_what_says_which_of_two_answers_is_better_is_learnt_from() -> None:
    labels = [
        label(0, verdict=Verdict.B, probability_a=0.2),
        label(1, verdict=Verdict.TIE, probability_a=0.5),
        label(2, verdict=Verdict.INCONSISTENT),
        label(3, answer_a="Friday.", answer_b=" Friday. "),
        label(4, answer_a="Friday. " * 400),
    ]
    found = decided_pairs(labels, TOKENS, DPOSettings(longest=100))
    assert [pair.label.id for pair in found.kept] == ["pair-0"]
    assert found.left_out == {"tie": 1, "undecided": 1, "equal": 1, "too_long": 1}
    assert TOKENS.text(found.kept[0].chosen[found.kept[0].prompt :]) == labels[0].answer_b


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([], "there is no label"),
        ([label(0, verdict=Verdict.TIE), label(1, verdict=Verdict.TIE)], "2 tie"),
        ([label(0, answer_a="Friday. " * 400)], "1 too_long.* raise longest"),
    ],
)
def test_nothing_to_learn_from_is_said_and_leaves_nothing(policy: Path, tmp_path: Path, labels: list, told: str):
    with pytest.raises(NothingToTrainOn, match=told):
        dpo_policy(labels, [], policy=policy, settings=DPOSettings(longest=100), data=tmp_path, snapshots=[])
    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_is_no_model_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="is no folder"):
        run(tmp_path / "data", tmp_path / "absent")
    TOKENS.tokenizer.save_pretrained(tmp_path / "words")
    with pytest.raises(ModelUnusable, match="no causal language model"):
        run(tmp_path / "data", tmp_path / "words")
    assert not (tmp_path / "data").exists()


def test_a_run_that_comes_apart_leaves_no_model(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=r"step \d has no finite gradient"):
        run(tmp_path, policy, DPOSettings(learning_rate=1e30, batch=16, micro_batch=16))
    assert not list(tmp_path.glob("runs/*/model"))
