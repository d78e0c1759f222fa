"""However often and wherever training is killed, weights and log are bit for bit those of a run that was left alone."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.trainer.models import PROMPTS, ShareOfLiked, reward_model, write_policy
from tests.trainer.ppo.dying import SETTINGS
from trainer.ppo.errors import OtherRun
from trainer.ppo.log import read_log
from trainer.ppo.observer import Action, State
from trainer.ppo.ppo import PPOOutcome, train_policy


class PowerFailure(Exception):
    """Ends a run in its middle."""


def fail(update: int, state: State) -> Action:
    """Ends the run at its first check."""
    raise PowerFailure


def made(out: Path) -> tuple[dict[str, bytes], list[dict[str, float]]]:
    """All files of a finished run, and its log without the time that it took."""
    log = [{name: each for name, each in line.items() if name != "seconds"} for line in read_log(out)]
    files = {str(each.relative_to(out)): each.read_bytes() for each in out.rglob("*") if each.is_file()}
    del files["log.jsonl"]
    return files, log


def trained(policy: Path, out: Path) -> PPOOutcome:
    return train_policy(policy, ShareOfLiked(), PROMPTS, SETTINGS, out)


@pytest.fixture(scope="module")
def undisturbed(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was left alone; on one thread as all others, though it is made before a test's own fixtures are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    outcome = trained(policy, tmp_path_factory.mktemp("undisturbed") / "run")
    torch.set_num_threads(before)
    return outcome.policy.parent


def died(policy: Path, folder: Path, *how: str) -> int:
    """Run `tests.trainer.ppo.dying`; how many children died."""
    command = [sys.executable, "-m", "tests.trainer.ppo.dying", str(policy), str(folder), *how]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=110, env=one_thread).stdout)


@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.long)])
def test_a_kill_at_any_step_changes_nothing(policy: Path, undisturbed: Path, tmp_path: Path, stride: int) -> None:
    deaths = died(policy, tmp_path, "every", str(stride))
    assert deaths > 40 // stride
    killed = list(tmp_path.iterdir())
    assert len(killed) >= deaths
    for each in killed:
        assert made(each) == made(undisturbed), each.name


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2, 3))])
def test_kills_again_and_again_change_nothing(policy: Path, undisturbed: Path, tmp_path: Path, seed: int) -> None:
    assert died(policy, tmp_path, "seed", str(seed)) > 1
    assert made(tmp_path / f"seed {seed}") == made(undisturbed)


def test_half_a_line_of_the_log_is_dropped(policy: Path, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(PowerFailure):
        train_policy(policy, ShareOfLiked(), PROMPTS, SETTINGS, out, observe=fail)
    assert len(read_log(out)) == 3
    with (out / "log.jsonl").open("ab") as log:
        log.write(b'{"update":4,"sco')
    trained(policy, out)
    assert made(out) == made(undisturbed)


def test_a_log_that_lost_lines_is_not_gone_on_with(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(PowerFailure):
        train_policy(policy, ShareOfLiked(), PROMPTS, SETTINGS, tmp_path, observe=fail)
    (tmp_path / "log.jsonl").unlink()
    with pytest.raises(OtherRun, match="lost lines: 0 of 2"):
        trained(policy, tmp_path)


def test_a_finished_run_is_not_made_again(policy: Path, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    before = {each: each.stat().st_mtime_ns for each in out.rglob("*")}
    assert trained(policy, out) == PPOOutcome(policy=out / "policy", update=5, ending="done")
    assert {each: each.stat().st_mtime_ns for each in out.rglob("*")} == before


@pytest.mark.parametrize("finished", [True, False])
def test_a_run_that_learns_something_else_is_not_gone_on_with(policy: Path, finished: bool, tmp_path: Path) -> None:
    out = tmp_path / "run"
    if finished:
        trained(policy, out)
    else:
        with pytest.raises(PowerFailure):
            train_policy(policy, ShareOfLiked(), PROMPTS, SETTINGS, out, observe=fail)
    other_reward = ShareOfLiked()
    other_reward.network.load_state_dict({name: each + 1 for name, each in reward_model().network.state_dict().items()})
    other_policy = write_policy(tmp_path / "other", seed=7)
    with pytest.raises(OtherRun, match="another settings;"):
        train_policy(policy, ShareOfLiked(), PROMPTS, replace(SETTINGS, seed=2), out)
    with pytest.raises(OtherRun, match="another prompts;"):
        train_policy(policy, ShareOfLiked(), PROMPTS[::-1], SETTINGS, out)
    with pytest.raises(OtherRun, match="another policy and reward_model;"):
        train_policy(other_policy, other_reward, PROMPTS, SETTINGS, out)
