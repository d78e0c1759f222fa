"""However often and wherever a follower is killed, the same comes of it as of one that was left alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfref.client import Client
from selfref.store import Store
from tests.service.gateways import GatewayProcess
from tests.trainer.follow.plans import ROUNDS, SIZE, left_by
from tests.trainer.snapshots.feeds import judge, rows
from trainer.snapshots.chain import snapshots

MOST = 1000  # labels of a page


def died(gateway: GatewayProcess, policy: Path, folder: Path, *, seed: int, kills: int, rounds: int) -> list[str]:
    """Run `tests.trainer.follow.dying`; what its children were about to do when they died."""
    told = [gateway.url, policy, folder, seed, kills, rounds]
    command = [sys.executable, "-m", "tests.trainer.follow.dying", *map(str, told)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        command, stdout=subprocess.PIPE, check=True, timeout=500, env=one_thread, text=True
    ).stdout.splitlines()


def decided(client: Client, count: int) -> list[str]:
    """The ids of those of the first labels that teach something."""
    return sorted(each.id for each in client.label_page(limit=MOST).labels[:count] if each.verdict.decided)


def ids_in(data: Path) -> list[str]:
    """Of all rows of all snapshots."""
    return sorted(label.id for each in snapshots(data) for label in rows(each))


@pytest.mark.parametrize(
    ("seed", "kills", "rounds"),
    [(0, 3, 2), pytest.param(1, 20, ROUNDS, marks=[pytest.mark.long, pytest.mark.timeout(600)])],
)
async def test_kills_at_drawn_steps_change_nothing(
    store: Store,
    gateway: GatewayProcess,
    client: Client,
    policy: Path,
    tmp_path: Path,
    seed: int,
    kills: int,
    rounds: int,
) -> None:
    await judge(store, range(ROUNDS * SIZE + 2))
    steps = died(gateway, policy, tmp_path, seed=seed, kills=kills, rounds=rounds)
    assert len(steps) == kills, steps
    assert left_by(tmp_path / "died") == left_by(tmp_path / "undisturbed")
    assert ids_in(tmp_path / "died") == decided(client, rounds * SIZE)
