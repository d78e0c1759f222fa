"""`python -m trainer follow` as Docker runs it: what it says, what it waits for, and how it ends."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from selfref.embedded_redis import free_port
from selfref.store import Store
from tests.service.gateways import GatewayProcess, gateway_process
from tests.stacks import until
from tests.trainer.follow.plans import SIZE, told
from tests.trainer.follow.processes import QUIET, Follower
from tests.trainer.snapshots.feeds import judge

AT_ONCE = 2.0  # seconds to end in; far less than a step of a large model


async def test_it_waits_for_a_service_that_comes_later_and_ends_at_once_in_the_middle_of_training(
    store: Store, redis_url: str, policy: Path, tmp_path: Path
) -> None:
    await judge(store, range(SIZE))
    port = free_port()
    long = {"SELFREF_TRAINER_PPO_UPDATES": "100000", "SELFREF_URL": f"http://127.0.0.1:{port}"}
    with Follower({**told(tmp_path / "prompts", policy, tmp_path / "data"), **long}) as follower:
        follower.warns("waiting for the service: no answer from http://")
        with gateway_process(redis_url, port=port):
            until(lambda: list((tmp_path / "data").glob("runs/ppo-*/work/log.jsonl")), what=f"PPO: {follower.warned}")
            assert follower.ends(signal.SIGTERM, within=AT_ONCE) == 0
    assert [line[:7] for line in follower.told] == ["00001: ", str(tmp_path)[:7]]
    assert (tmp_path / "data" / "CURRENT-reward").read_text().startswith("reward-")
    assert "Traceback" not in "".join(follower.warned)


def test_it_ends_at_once_while_it_waits_for_labels(
    gateway: GatewayProcess, redis_url: str, policy: Path, tmp_path: Path
) -> None:
    settings = told(tmp_path / "prompts", policy, tmp_path / "data")
    with Follower({**settings, "SELFREF_TRAINER_SIZ": "3", "SELFREF_URL": gateway.url}) as follower:
        follower.warns("waiting for 8 labels")
        assert follower.ends(signal.SIGTERM, within=AT_ONCE) == 0
    assert follower.told == []
    assert follower.warned == [
        "SELFREF_TRAINER_SIZ is no setting: misspelt, or of another version; it changes nothing",
        f"following into {tmp_path / 'data'}, which holds 0 snapshots",
        "waiting for 8 labels",
    ]


def test_a_wrong_key_ends_it_with_2_and_what_to_do(redis_url: str, policy: Path, tmp_path: Path) -> None:
    settings = told(tmp_path / "prompts", policy, tmp_path / "data")
    keys = f"default:{hashlib.sha256(b'right').hexdigest()}"
    with (
        gateway_process(redis_url, api_keys=keys) as gateway,
        Follower({**settings, "SELFREF_URL": gateway.url, "SELFREF_API_KEY": "wrong"}) as follower,
    ):
        assert follower.ends() == 2
    assert follower.warned[-1].startswith("error: ")
    assert "SELFREF_API_KEY" in follower.warned[-1]
    assert "Traceback" not in "".join(follower.warned)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--policy", "absent"), "PPO needs both"),
        (("--ppo-batch", "3", "--ppo-minibatches", "2"), "does not divide"),
        (("--url", "nonsense"), "http://"),
    ],
)
def test_what_cannot_be_meant_ends_it_with_2(options: tuple[str, ...], told: str, policy: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trainer", "follow", "--data", str(tmp_path), "--base", str(policy), *options]
    found = subprocess.run(command, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert told in found.stderr
    assert "Traceback" not in found.stderr
