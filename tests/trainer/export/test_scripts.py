"""The scripts as bash runs them; what they call is written down and held against OpenRLHF's own flags."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainer.export.orders import SETTINGS, exported
from tests.trainer.export.parsers import PUBLISHED, Refused, parsed
from trainer.export.settings import VERSION, ExportSettings

RM, PPO = "openrlhf.cli.train_rm", "openrlhf.cli.train_ppo_ray"
RECORDING = '#!/usr/bin/env bash\nprintf "%s\\0" "${0##*/}" "$@" "" >>"$CALLS"\n'
ODD = 'it\'s "odd" $HOME `id` \\ {x} %s\n& ünï'


class Bash:
    """Runs scripts; `deepspeed` and `python` only write down what they are given."""

    def __init__(self, folder: Path) -> None:
        self._programs, self._calls = folder / "programs", folder / "calls"
        self._programs.mkdir()
        for name in ("deepspeed", "python"):
            (self._programs / name).write_text(RECORDING)
            (self._programs / name).chmod(0o755)

    def run(self, *command: str | Path, cwd: str | Path = "/") -> subprocess.CompletedProcess[str]:
        """What the shell makes of a script; a folder of the same name would be found elsewhere by way of CDPATH."""
        (self._programs / "out").mkdir(exist_ok=True)
        programs = str(self._programs)
        paths = {"PATH": f"{programs}:{os.environ['PATH']}", "CALLS": str(self._calls), "CDPATH": programs}
        return subprocess.run(["/bin/bash", *command], env=paths, capture_output=True, text=True, check=False, cwd=cwd)

    def let_fail(self, program: str) -> None:
        """Exit code 7, after it has written down what it was given."""
        (self._programs / program).write_text(f"{RECORDING}exit 7\n")

    def calls(self) -> list[list[str]]:
        """Every call so far: the program, and its arguments."""
        if not self._calls.exists():
            return []
        return [call.split("\0") for call in self._calls.read_text().removesuffix("\0\0").split("\0\0")]


@pytest.fixture
def bash(tmp_path: Path) -> Bash:
    return Bash(tmp_path)


@pytest.fixture(scope="module")
def made(data: Path, policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export between names that no shell may read, its base model too."""
    around = tmp_path_factory.mktemp("made") / ODD
    shutil.copytree(policy, around / f"model {ODD}")
    return exported(data, around / f"model {ODD}", around / f"out {ODD}").folder


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    yield made
    shutil.rmtree(made / "reward-model", ignore_errors=True)
    shutil.rmtree(made / "policy", ignore_errors=True)


def has_model(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.json").write_text("{}")


def test_the_flags_are_those_of_the_version_that_is_named() -> None:
    assert PUBLISHED["version"] == VERSION


@pytest.mark.parametrize(
    "wrong",
    [
        ["--adam.lrr", "1"],
        ["--adam.l", "1"],
        ["--adam.lr", "much"],
        ["--adam.lr"],
        ["--adam.betas", "0.9"],
        ["--ds.param_dtype", "fp8"],
        ["--train.seed", "1.5"],
        ["--use_ms", "1"],
        ["--use_ms", "--use_ms"],
    ],
)
def test_the_parser_refuses_what_openrlhf_would(wrong: list[str]) -> None:
    with pytest.raises(Refused):
        parsed(RM, wrong)


def test_the_reward_models_command(folder: Path, bash: Bash) -> None:
    ended = bash.run(folder / "reward-model.sh")
    assert (ended.returncode, ended.stderr) == (0, "")
    training, loading = bash.calls()
    assert training[:5] == ["deepspeed", "--num_gpus", "2", "--module", RM]
    found = parsed(RM, training[5:])
    assert Path(found["model.model_name_or_path"]).samefile(folder.parent / f"model {ODD}")
    assert Path(found["data.dataset"]).samefile(folder / "preferences" / "train.jsonl")
    assert Path(found["eval.dataset"]).samefile(folder / "preferences" / "heldout.jsonl")
    assert found["data.tokenizer_chat_template"] == (folder / "chat_template.jinja").read_text()
    assert found["ckpt.output_dir"] == str(folder / "reward-model")
    assert found["data.apply_chat_template"]
    assert [found[f"data.{side}_key"] for side in ("prompt", "chosen", "rejected")] == ["prompt", "chosen", "rejected"]
    assert loading == ["python", str(folder / "loadable.py"), str(folder / "reward-model"), "0"]


def test_ppos_command(folder: Path, bash: Bash) -> None:
    has_model(folder / "reward-model")
    ended = bash.run(folder / "ppo.sh")
    assert (ended.returncode, ended.stderr) == (0, "")
    (training,) = bash.calls()
    assert training[:3] == ["python", "-m", PPO]
    found = parsed(PPO, training[3:])
    assert Path(found["actor.model_name_or_path"]).samefile(folder.parent / f"model {ODD}")
    assert found["reward.model_name_or_path"] == found["critic.model_name_or_path"] == str(folder / "reward-model")
    assert Path(found["data.prompt_dataset"]).samefile(folder / "prompts.jsonl")
    assert (found["data.input_key"], found["data.apply_chat_template"]) == ("prompt", True)
    lines = len((folder / "prompts.jsonl").read_bytes().splitlines())
    assert (found["data.max_samples"], lines % SETTINGS.batch > 0) == (lines // SETTINGS.batch * SETTINGS.batch, True)
    engines = found["vllm.num_engines"] * found["vllm.tensor_parallel_size"]
    assert engines == found["actor.num_gpus_per_node"] == found["ref.num_gpus_per_node"] == SETTINGS.gpus
    assert (found["reward.normalize_enable"], found["ds.zero_stage"]) == (True, 3), "it loses the mean otherwise"


def test_the_papers_values(data: Path, policy: Path, tmp_path: Path, bash: Bash) -> None:
    paper = ExportSettings()
    assert (paper.longest, paper.answer_tokens, paper.reward_batch, paper.batch, paper.episodes) == (
        2048,
        1024,
        256,
        128,
        2,
    )
    out = exported(data, policy, tmp_path / "out").folder
    bash.run(out / "reward-model.sh")
    has_model(out / "reward-model")
    bash.run(out / "ppo.sh")
    training, _, learning = bash.calls()
    reward_model = parsed(RM, training[5:])
    assert reward_model["adam.lr"] == 1e-5
    assert reward_model["adam.betas"] == [0.9, 0.95]
    assert (reward_model["lr_scheduler"], reward_model["lr_warmup_ratio"]) == ("cosine", 0.03)
    assert (reward_model["model.loss_type"], reward_model["model.margin_loss_enable"]) == ("sigmoid", True)
    assert (reward_model["train.max_epochs"], reward_model["train.batch_size"]) == (1, SETTINGS.reward_batch)
    ppo = parsed(PPO, learning[3:])
    assert (ppo["actor.adam.lr"], ppo["critic.adam.lr"]) == (1e-6, 5e-6)
    assert (ppo["algo.kl.init_coef"], ppo["algo.advantage.gamma"], ppo["algo.advantage.lambd"]) == (0.01, 1.0, 0.95)
    assert (ppo["actor.eps_clip"], ppo["critic.value_clip"], ppo["algo.advantage.estimator"]) == (0.2, 0.2, "gae")
    assert (ppo["train.batch_size"], ppo["rollout.batch_size"], ppo["rollout.n_samples_per_prompt"]) == (8, 8, 1)
    assert (ppo["data.max_len"], ppo["rollout.max_new_tokens"]) == (SETTINGS.longest, SETTINGS.answer_tokens)


def test_settings_reach_the_commands(data: Path, policy: Path, tmp_path: Path, bash: Bash) -> None:
    settings = ExportSettings(
        longest=80, answer_tokens=20, margin=False, reward_batch=4, batch=12, micro_batch=2, episodes=3, gpus=1, seed=7
    )
    out = exported(data, policy, tmp_path / "out", settings).folder
    bash.run(out / "reward-model.sh")
    has_model(out / "reward-model")
    bash.run(out / "ppo.sh")
    training, _, learning = bash.calls()
    reward_model, ppo = parsed(RM, training[5:]), parsed(PPO, learning[3:])
    assert "model.margin_loss_enable" not in reward_model
    assert (reward_model["train.batch_size"], reward_model["train.micro_batch_size"]) == (4, 2)
    assert (reward_model["data.max_len"], reward_model["train.seed"], ppo["train.seed"]) == (80, 7, 7)
    assert (ppo["train.batch_size"], ppo["rollout.batch_size"], ppo["train.micro_batch_size"]) == (12, 12, 2)
    assert (ppo["rollout.max_new_tokens"], ppo["train.num_episodes"], ppo["vllm.num_engines"]) == (20, 3, 1)


def test_a_script_finds_its_files_wherever_it_is_called_from(folder: Path, bash: Bash, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "here" / "out")
    assert bash.run("out/reward-model.sh", cwd=tmp_path / "here").returncode == 0
    found = parsed(RM, bash.calls()[0][5:])
    assert found["data.dataset"] == str(tmp_path / "here" / "out" / "preferences" / "train.jsonl")


def test_another_model_may_be_given(folder: Path, bash: Bash, tmp_path: Path) -> None:
    bash.run(folder / "reward-model.sh", tmp_path)
    assert parsed(RM, bash.calls()[0][5:])["model.model_name_or_path"] == str(tmp_path)


def test_what_cannot_work_is_said_before_anything_is_called(folder: Path, bash: Bash, tmp_path: Path) -> None:
    for arguments, told in (
        ((folder / "reward-model.sh", tmp_path / "absent"), "absent is no folder; give that of the base model to "),
        ((folder / "ppo.sh",), "run reward-model.sh first"),
    ):
        ended = bash.run(*arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert told in ended.stderr
    has_model(folder / "reward-model")
    has_model(folder / "policy")
    for name in ("reward-model.sh", "ppo.sh"):
        ended = bash.run(folder / name)
        assert ended.returncode == 2
        assert "is there already; to train once more, move it away" in ended.stderr
    assert bash.calls() == []


@pytest.mark.parametrize("sign", [",", "@", "*", "?", "[", "::"])
def test_a_path_that_openrlhf_reads_as_something_else(folder: Path, bash: Bash, tmp_path: Path, sign: str) -> None:
    moved = tmp_path / f"a{sign}b" / "out"
    shutil.copytree(folder, moved)
    has_model(moved / "reward-model")
    for name in ("reward-model.sh", "ppo.sh"):
        ended = bash.run(moved / name)
        assert ended.returncode == 2
        assert "OpenRLHF reads no files beneath" in ended.stderr
    assert bash.calls() == []


def test_a_failed_training_is_not_made_loadable(folder: Path, bash: Bash) -> None:
    bash.let_fail("deepspeed")
    assert bash.run(folder / "reward-model.sh").returncode == 7
    assert [program for program, *_ in bash.calls()] == ["deepspeed"]


def test_a_folder_whose_name_is_no_utf_8(
    data: Path, policy: Path, tmp_path: Path, bash: Bash, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff"))
    shutil.copytree(policy, around / "model")
    monkeypatch.chdir(around)  # transformers reads no such path itself
    out = exported(data, Path("model"), tmp_path / "out").folder
    assert bash.run(out / "reward-model.sh").returncode == 0
    assert b"/m\xff/model" in (tmp_path / "calls").read_bytes()
