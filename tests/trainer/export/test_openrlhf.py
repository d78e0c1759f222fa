"""From real snapshots to a folder: what is in it, that it is made once and whole, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

from selfref.messages import Verdict
from tests.trainer import models
from tests.trainer.export.orders import SETTINGS, exported, snapshots_of, some_labels
from tests.trainer.labels import label
from trainer.errors import ModelUnusable, NothingToTrainOn, TrainingError
from trainer.export import openrlhf
from trainer.export.openrlhf import export_openrlhf
from trainer.export.rendering import read_by_openrlhf
from trainer.export.rows import Rows
from trainer.export.settings import ExportSettings
from trainer.ppo.prompts import read_prompts
from trainer.snapshots.chain import read_labels, snapshots


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)): (each.stat().st_mode, each.read_bytes()) for each in files}


def test_pairs_and_prompts_are_those_of_the_snapshots(data: Path, policy: Path, tmp_path: Path) -> None:
    done = exported(data, policy, tmp_path / "deep" / "out")
    assert done.anew
    chain = snapshots(data)
    train, heldout = (
        [each for snapshot in chain for each in read_labels(part(snapshot))]
        for part in (lambda each: each.train(), lambda each: each.heldout())
    )
    assert [row["id"] for row in lines(done.folder / "preferences" / "train.jsonl")] == [
        each.id for each in train if each.verdict.decided
    ]
    assert [row["id"] for row in lines(done.folder / "preferences" / "heldout.jsonl")] == [
        each.id for each in heldout if each.verdict.decided
    ]
    asked = read_prompts(done.folder / "prompts.jsonl")
    assert [turns[0]["content"] for turns in asked] == list(dict.fromkeys(each.prompt for each in train))
    assert not {turns[0]["content"] for turns in asked} & {each.prompt for each in heldout}
    rows = done.manifest["rows"]
    assert rows["train"]["kept"] + rows["train"]["left_out"].get("undecided", 0) == len(train)
    assert rows["prompts"] == {"kept": len(asked), "left_out": {"repeated": len(train) - len(asked)}}
    assert done.manifest["ingredients"]["snapshots"] == [each.digest for each in chain]
    assert done.manifest["ingredients"]["openrlhf"] == "0.11.2"
    assert json.loads((done.folder / "manifest.json").read_bytes()) == done.manifest
    assert {*done.manifest["files"], "manifest.json"} == contents(done.folder).keys()


def test_a_row_becomes_the_policys_tokens_by_way_of_datasets(data: Path, policy: Path, tmp_path: Path) -> None:
    """OpenRLHF loads the files with `datasets` and joins prompt and answer as two lists of messages."""
    folder = exported(data, policy, tmp_path / "out").folder
    loaded = datasets.load_dataset(
        "json", data_files=str(folder / "preferences" / "train.jsonl"), cache_dir=str(tmp_path / "cache")
    )["train"]
    tokens, template = models.tokens(), (folder / "chat_template.jinja").read_text()
    assert template == Rows(tokens, SETTINGS).template
    assert len(loaded) > 20
    for row in loaded:
        assert type(row["margin"]) is float
        for side in ("chosen", "rejected"):
            (*turns, answer) = row["prompt"] + row[side]
            read = read_by_openrlhf(tokens.tokenizer, template, turns, answer["content"])
            assert read == tokens.prompt(row["prompt"]) + tokens.answer(turns, row[side][0]["content"])


def test_the_same_input_gives_the_same_bytes_and_is_exported_once(
    data: Path, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (exported(data, policy, tmp_path / name).folder for name in ("one", "two"))
    assert contents(first) == contents(second)
    assert {name for name, (mode, _) in contents(first).items() if mode & 0o111} == {"reward-model.sh", "ppo.sh"}
    (first / "reward-model").mkdir()  # what was trained since does not matter
    monkeypatch.delattr(openrlhf, "_write")
    again = exported(data, policy, first)
    assert (again.anew, again.manifest) == (False, json.loads((second / "manifest.json").read_bytes()))


def test_another_input_into_the_same_folder_is_refused(data: Path, policy: Path, tmp_path: Path) -> None:
    folder = exported(data, policy, tmp_path / "out").folder
    before = contents(folder)
    other_base = tmp_path / "base"
    shutil.copytree(policy, other_base)
    others: list[Callable[[], object]] = [
        lambda: exported(data, policy, folder, last=1),
        lambda: exported(data, policy, folder, ExportSettings(longest=64, answer_tokens=31, reward_batch=8, batch=8)),
        lambda: exported(data, other_base, folder),
        lambda: export_openrlhf(data, base=policy, policy=other_base, out=folder, settings=SETTINGS),
    ]
    for other in others:
        with pytest.raises(TrainingError, match="holds another export"):
            other()
    assert contents(folder) == before


def test_only_the_newest_snapshots(data: Path, policy: Path, tmp_path: Path) -> None:
    done = exported(data, policy, tmp_path / "out", last=1)
    assert done.manifest["ingredients"]["snapshots"] == [snapshots(data)[-1].digest]
    kept = {row["id"] for row in lines(done.folder / "preferences" / "train.jsonl")}
    assert kept <= {each.id for each in read_labels(snapshots(data)[-1].train())}


def test_without_held_out_pairs_the_scores_of_what_was_learnt_from_are_measured(policy: Path, tmp_path: Path) -> None:
    data = snapshots_of(tmp_path / "data", some_labels(), heldout_share=0.0)
    folder = exported(data, policy, tmp_path / "out").folder
    assert '--eval.dataset "$here/preferences/train.jsonl"' in (folder / "reward-model.sh").read_text()
    assert "come from the training part" in (folder / "README.md").read_text()


def test_a_folder_that_is_not_an_export_is_left_alone(data: Path, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert exported(data, policy, tmp_path / "out").anew, "an empty folder is nothing"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").touch()
    with pytest.raises(TrainingError, match="holds something else"):
        exported(data, policy, tmp_path / "other")
    assert contents(tmp_path / "other").keys() == {"mine"}


def ties(count: int) -> list:
    return [label(number, verdict=Verdict.TIE, probability_a=0.5) for number in range(count)]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (None, "holds no snapshots"),
        (ties(12), r"0 pairs to train on \(left out: 12 undecided\); take more labels"),
        ([label(number) for number in range(5)], r"5 pairs to train on \(left out: none\).*lower --reward-batch \(8\)"),
        (
            [label(number, prompt="Why?") for number in range(9)],
            r"1 prompts to answer .*8 repeated.*lower --batch \(8\)",
        ),
    ],
    ids=["none", "ties", "few pairs", "few prompts"],
)
def test_too_little_to_train_on_is_said_and_leaves_nothing(
    policy: Path, tmp_path: Path, labels: list | None, told: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if labels is not None:
        snapshots_of(data, labels, heldout_share=0.0)
    with pytest.raises(NothingToTrainOn, match=told):
        exported(data, policy, tmp_path / "deep" / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_models_that_cannot_be_used(data: Path, policy: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="is no folder"):
        exported(data, tmp_path / "absent", tmp_path / "out")
    other = tmp_path / "other"
    shutil.copytree(policy, other)
    (other / "chat_template.jinja").write_text("{{ bos_token }}" + models.tokens().tokenizer.chat_template)
    with pytest.raises(ModelUnusable, match="another tokenizer or chat template"):
        export_openrlhf(data, base=policy, policy=other, out=tmp_path / "out", settings=SETTINGS)
    assert [each.name for each in tmp_path.iterdir()] == ["other"]


def test_whoever_is_stopped_leaves_no_export(
    data: Path, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(openrlhf, "_digests", stopped)
    with pytest.raises(KeyboardInterrupt):
        exported(data, policy, tmp_path / "deep" / "out")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert exported(data, policy, tmp_path / "deep" / "out").anew


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"gpus": 0}, "gpus is 0"),
        ({"longest": 64, "answer_tokens": 64}, "leaves a prompt nothing of longest, 64"),
        ({"reward_batch": 12}, "reward_batch is 12, which 8 GPUs cannot share in parts of 1"),
        ({"batch": 24, "micro_batch": 2}, "multiples of 16 only"),
    ],
)
def test_settings_that_contradict(settings: dict[str, int], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        ExportSettings(**settings)
