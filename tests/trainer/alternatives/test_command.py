"""`python -m trainer rloo`, `grpo` and `dpo` as somebody calls them: what they leave, and what they cannot use."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.trainer.alternatives.test_online import loaded, same
from tests.trainer.models import reward_model, tokens
from tests.trainer.reward.test_run import friday_is_better
from tests.trainer.snapshots.feeds import ListedFeed, taken
from trainer.alternatives.command import dpo, grpo, rloo
from trainer.snapshots.contents import Rules
from trainer.tokens import Tokens

HOW = ("--updates", "2", "--batch", "2", "--answers", "2", "--answer-tokens", "4", "--threads", "1")
pytestmark = pytest.mark.usefixtures("no_hub")


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model's folder."""
    folder, model = tmp_path_factory.mktemp("reward"), reward_model()
    model.network.save_pretrained(folder)
    model.tokens.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of prompts, one of them turns."""
    file = tmp_path_factory.mktemp("prompts") / "prompts.jsonl"
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    file.write_text("".join(json.dumps({"prompt": each}) + "\n" for each in ("Say hello.", turns, "Go on.")))
    return file


def called(command: Callable[..., None], *arguments: Any) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.mark.parametrize(("name", "command"), [("rloo", rloo), ("grpo", grpo)])
def test_a_policy_is_trained_once(
    name: str, command: Callable[..., None], policy: Path, judge: Path, prompts: Path, tmp_path: Path
) -> None:
    places = ("--data", tmp_path, "--policy", policy, "--reward-model", judge, "--prompts", prompts)
    done = called(command, *places, *HOW)
    assert done.exit_code == 0, done.output
    assert "in the last update" in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith(f"{name}-")
    assert (tmp_path / f"CURRENT-{name}").read_text() == f"{folder.name}\n"
    assert sorted(each.name for each in folder.iterdir()) == ["model", "report.json"]
    report = json.loads((folder / "report.json").read_bytes())
    assert len(report["log"]) == 2
    assert {"loss", "reward", "kl", "rewards/score/mean", "completions/mean_length"} <= set(report["log"][0])
    assert (report["ending"], report["settings"]["algorithm"]) == ("done", name)
    assert not same(loaded(folder / "model"), loaded(policy))
    assert Tokens.load(folder / "model").tokenizer.chat_template == tokens().tokenizer.chat_template
    written = (folder / "model" / "model.safetensors").stat().st_mtime_ns
    assert called(command, *places, *HOW).stdout == done.stdout
    assert (folder / "model" / "model.safetensors").stat().st_mtime_ns == written, "and not again"
    assert called(command, *places, *HOW, "--seed", "2").exit_code == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2, "another setting is another run"


def test_labels_train_a_policy(policy: Path, tmp_path: Path) -> None:
    taken(tmp_path, ListedFeed(list(friday_is_better(120))), 60, Rules(heldout_share=0.3))
    how = ("--learning-rate", "3e-3", "--batch", "8", "--threads", "1")
    done = called(dpo, "--data", tmp_path, "--policy", policy, *how)
    assert done.exit_code == 0, done.output
    assert "leans towards the better answer in 100.0% of" in done.stdout.replace("\n", "")
    last = called(dpo, "--data", tmp_path, "--policy", policy, "--last", "1", *how)
    assert last.stdout != done.stdout
    reports = [json.loads((each / "report.json").read_bytes()) for each in (tmp_path / "runs").iterdir()]
    assert sorted(len(each["snapshots"]) for each in reports) == [1, 2]


def test_what_cannot_be_used_is_said_and_leaves_nothing(
    policy: Path, judge: Path, prompts: Path, tmp_path: Path
) -> None:
    data, absent, empty = tmp_path / "data", tmp_path / "absent", tmp_path / "empty.jsonl"
    empty.write_text("\n")
    (tmp_path / "broken.jsonl").write_text('{"question": "Why?"}\n')
    places = {"--data": data, "--policy": policy, "--reward-model": judge, "--prompts": prompts}
    for command, wrong, said in (
        (rloo, {"--policy": absent}, "is no folder"),
        (rloo, {"--reward-model": absent}, "holds no model"),
        (grpo, {"--reward-model": policy}, "gives 2 numbers"),
        (rloo, {"--prompts": absent}, "could not be read"),
        (grpo, {"--prompts": empty}, "there is no prompt"),
        (rloo, {"--prompts": tmp_path / "broken.jsonl"}, "line 1 is no prompt"),
        (grpo, {"--micro-batch": 5}, "does not divide"),
    ):
        options = [each for pair in ({**places, **wrong}).items() for each in pair]
        refused = called(command, *options)
        assert refused.exit_code == 2, said
        assert said in refused.output.replace("\n", " ")
    for options, said in (
        (("--data", data, "--policy", policy), "there is no label"),
        (("--data", data, "--policy", absent), "is no folder"),
        (("--data", data, "--policy", policy, "--batch", "9", "--micro-batch", "2"), "does not divide"),
    ):
        refused = called(dpo, *options)
        assert refused.exit_code == 2, said
        assert said in refused.output.replace("\n", " ")
    assert not data.exists()
