"""`python -m trainer reward-model` as somebody calls it, and in two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.trainer.reward.test_run import friday_is_better
from tests.trainer.snapshots.feeds import ListedFeed, taken
from trainer.__main__ import app
from trainer.snapshots.contents import Rules

HOW = ("--learning-rate", "3e-3", "--epochs", "4", "--batch", "16")
TORCHRUN = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", "-m")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A trainer's folder with two snapshots, nothing held out: a batch that is not full is shared out otherwise."""
    taken(tmp_path, ListedFeed(list(friday_is_better(160))), 80, Rules(heldout_share=0.0))
    return tmp_path


def called(*arguments: str | Path, launch: tuple[str, ...] = ("-m",)) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true"}
    command = [sys.executable, *launch, "trainer", "reward-model", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def processes_and_losses(data: Path) -> tuple[int, list[float]]:
    name = (data / "CURRENT-reward").read_text().strip()
    report = json.loads((data / "runs" / name / "report.json").read_bytes())
    return report["processes"], [each["loss"] for each in report["losses"]]


def test_two_processes_learn_what_one_does(data: Path, policy: Path) -> None:
    alone = called("--data", data, "--base", policy, *HOW)
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.count("nothing held out to measure on") == 1
    one, by_one = processes_and_losses(data)
    together = called("--data", data, "--base", policy, *HOW, "--micro-batch", "8", launch=TORCHRUN)
    assert together.returncode == 0, together.stderr
    assert together.stdout.count("nothing held out to measure on") == 1
    two, by_two = processes_and_losses(data)
    assert (one, two) == (1, 2), "a launcher that starts one process makes this a test of nothing"
    assert by_two == pytest.approx(by_one, rel=1e-3)


@pytest.mark.usefixtures("no_hub")
def test_what_stops_it_is_said_in_one_line(data: Path, policy: Path, tmp_path: Path) -> None:
    for arguments, told in (
        (("--data", tmp_path / "empty", "--base", policy), "there is no label"),
        (("--data", data, "--base", tmp_path / "absent"), "is no folder"),
        (("--data", data, "--base", policy, "--batch", "10", "--micro-batch", "4"), "in parts of 4"),
    ):
        refused = CliRunner().invoke(app, ["reward-model", *map(str, arguments)])
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert told in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not (tmp_path / "empty").exists()
