"""`python -m trainer reward-model` as somebody calls it, and as `accelerate launch` does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.reward.test_run import friday_is_better
from tests.trainer.snapshots.feeds import ListedFeed, taken
from trainer.snapshots.contents import Rules

HOW = ("--learning-rate", "3e-3", "--epochs", "4", "--batch", "16")
LAUNCH = ("-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1", "-m")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A trainer's folder with two snapshots, nothing held out: a batch that is not full is shared out otherwise."""
    taken(tmp_path, ListedFeed(list(friday_is_better(160))), 80, Rules(heldout_share=0.0))
    return tmp_path


def called(*arguments: str | Path, launch: tuple[str, ...] = ("-m",)) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *launch, "trainer", "reward-model", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def losses(data: Path) -> list[float]:
    name = (data / "CURRENT-reward").read_text().strip()
    return [each["loss"] for each in json.loads((data / "runs" / name / "report.json").read_bytes())["losses"]]


def test_two_processes_learn_what_one_does(data: Path, policy: Path) -> None:
    alone = called("--data", data, "--base", policy, *HOW)
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.count("nothing held out to measure on") == 1
    by_one = losses(data)
    together = called("--data", data, "--base", policy, *HOW, "--micro-batch", "8", launch=LAUNCH)
    assert together.returncode == 0, together.stderr
    assert together.stdout.count("nothing held out to measure on") == 1
    assert losses(data) == pytest.approx(by_one, rel=1e-3)


def test_what_stops_it_is_said_in_one_line(data: Path, policy: Path, tmp_path: Path) -> None:
    for arguments, told in (
        (("--data", tmp_path / "empty", "--base", policy), "there is no label"),
        (("--data", data, "--base", tmp_path / "absent"), "is no folder"),
        (("--data", data, "--base", policy, "--batch", "10", "--micro-batch", "4"), "in parts of 4"),
    ):
        refused = called(*arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert told in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not (tmp_path / "empty").exists()
