"""However often and wherever a follower is killed, the same comes of it as of one that was left alone."""

import os
import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from selfref.client import Client
from selfref.store import Store
from tests.service.gateways import GatewayProcess
from tests.stacks import until
from tests.trainer.follow.plans import ROUNDS, SIZE, left_by, told
from tests.trainer.follow.processes import Follower
from tests.trainer.snapshots.feeds import judge, rows
from trainer.snapshots.chain import snapshots

MOST = 1000  # labels of a page
KILLS = 20


def died(gateway: GatewayProcess, policy: Path, folder: Path, *, rounds: int, how: tuple[object, ...]) -> list[str]:
    """Run `tests.trainer.follow.dying`; what its children were about to do when they died."""
    arguments = [gateway.url, policy, folder, rounds, *how]
    command = [sys.executable, "-m", "tests.trainer.follow.dying", *map(str, arguments)]
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


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("seed", "kills", "rounds"),
    [(0, 3, 2), pytest.param(1, 20, ROUNDS, marks=pytest.mark.long)],
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
    steps = died(gateway, policy, tmp_path, rounds=rounds, how=(seed, kills))
    assert len(steps) == kills, steps
    assert left_by(tmp_path / "died") == left_by(tmp_path / "undisturbed")
    assert ids_in(tmp_path / "died") == decided(client, rounds * SIZE)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_kill_at_each_step_of_publishing_changes_nothing(
    store: Store, gateway: GatewayProcess, client: Client, policy: Path, tmp_path: Path
) -> None:
    await judge(store, range(SIZE))
    assert len(died(gateway, policy, tmp_path, rounds=1, how=("publishing",))) > 40
    assert left_by(tmp_path / "died") == left_by(tmp_path / "undisturbed")


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_a_process_that_is_killed_twenty_times_leaves_what_one_does_that_is_left_alone(
    store: Store, gateway: GatewayProcess, client: Client, policy: Path, tmp_path: Path
) -> None:
    await judge(store, range(ROUNDS * SIZE + 2))
    alone, killed = tmp_path / "undisturbed", tmp_path / "died"
    environments = {
        data: {"SELFREF_URL": gateway.url, **told(tmp_path / "prompts", policy, data)} for data in (alone, killed)
    }
    seconds = seconds_of_parts(environments[alone], alone)
    assert len(seconds) == 3 * ROUNDS
    for part, share in points(len(seconds) - 1):  # so that none comes to the end
        with Follower(environments[killed]) as follower:
            follower.warns("following")
            until(lambda part=part: parts_done(killed) >= part, what=f"part {part}: {follower.warned}")
            assert follower.killed_after(share * seconds[part]), follower.warned
    with Follower(environments[killed]) as follower:
        assert follower.ends() == 0
    assert left_by(killed) == left_by(alone)
    assert ids_in(killed) == decided(client, ROUNDS * SIZE)


def points(parts: int) -> list[tuple[int, float]]:
    """Twenty points: in which part of the work, and after what share of the time that it takes."""
    draw = random.Random(5)
    chosen = sorted([*range(parts)] * (KILLS // parts) + draw.sample(range(parts), KILLS % parts))
    return [(part, draw.random()) for part in chosen]


def seconds_of_parts(environment: dict[str, str], data: Path) -> list[float]:
    """How long each part takes a process that is left alone."""
    with Follower(environment) as follower:
        follower.warns("following")
        ends = [time.monotonic()]
        while follower.process.poll() is None:
            until(lambda: parts_done(data) >= len(ends) or follower.process.poll() is not None, what="a part")
            ends.append(time.monotonic())
        assert follower.ends() == 0, follower.warned
    return [end - start for start, end in pairwise(ends[: 3 * ROUNDS + 1])]


def parts_done(data: Path) -> int:
    """Snapshots, reward models and policies that are finished."""
    return len([*data.glob("snapshots/[0-9]*"), *data.glob("runs/*/report.json")])
