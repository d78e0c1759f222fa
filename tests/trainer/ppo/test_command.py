"""The command trains from folders and a file, and says in one line what it cannot use."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.trainer.models import reward_model
from trainer.ppo.command import EPILOG, ppo
from trainer.ppo.errors import PromptsUnusable
from trainer.ppo.log import read_log
from trainer.ppo.prompts import read_prompts

app = typer.Typer()
app.command(epilog=EPILOG)(ppo)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model's folder."""
    folder, model = tmp_path_factory.mktemp("reward"), reward_model()
    model.network.save_pretrained(folder)
    model.tokens.tokenizer.save_pretrained(folder)
    return folder


def run(policy: Path, judge: Path, prompts: Path, out: Path, *options: str) -> Result:
    places = ["--policy", policy, "--reward-model", judge, "--prompts", prompts, "--out", out]
    return CliRunner().invoke(app, [*map(str, places), *options])


def test_the_command_trains(policy: Path, judge: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    file.write_text(f"{json.dumps({'prompt': 'Say hello.'})}\n\n{json.dumps({'prompt': turns, 'chosen': 'x'})}\n")
    options = ("--updates", "2", "--batch", "4", "--answer-tokens", "4", "--threads", "1")
    found = run(policy, judge, file, tmp_path / "out", *options)
    assert found.exit_code == 0, found.output
    assert "done after update 2" in found.stdout.replace("\n", "")
    assert len(read_log(tmp_path / "out")) == 2
    assert (tmp_path / "out" / "policy" / "model.safetensors").exists()


def test_what_cannot_be_used_ends_it_with_2(policy: Path, judge: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "Why?"}\n')
    for options, said in ((("--batch", "3", "--minibatches", "2"), "does not divide"), ((), "holds no reward model")):
        found = run(policy, policy if not options else judge, file, tmp_path / "out", *options)
        assert found.exit_code == 2, said
    assert run(policy, judge, tmp_path / "nothing", tmp_path / "out").exit_code == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "Invalid JSON"),
        ('{"question": "Why?"}', "Field required"),
        ('{"prompt": " "}', "is empty"),
        ('{"prompt": [{"role": "assistant", "content": "Yes."}]}', "must alternate"),
    ],
)
def test_a_line_that_is_no_prompt_is_named_and_not_shown(line: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(f'{{"prompt": "Why?"}}\n{line}\n')
    with pytest.raises(PromptsUnusable, match=rf"line 2 is no prompt \(.*{why}"):
        read_prompts(file)
