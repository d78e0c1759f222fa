"""`python -m service.keeper` as a process: how it starts, stops, dies, and is followed by another."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from selfref.embedded_redis import free_port
from selfref.messages import JobStatus
from selfref.store import Store
from tests.service.jobs.uploading import file_of, line
from tests.service.judges import judge_next
from tests.service.keeper.test_keeper import JOB, judged, spooled, until_status

LEASE = 1.0  # seconds


def environment(redis_url: str, folder: Path, **settings: object) -> dict[str, str]:
    """A clean one, with `SELFREF_KEEPER_*` settings by their short names."""
    ours = {f"SELFREF_KEEPER_{name.upper()}": str(value) for name, value in settings.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SELFREF_")}
    files = {"SELFREF_SPOOL_DIR": str(folder / "spool"), "SELFREF_ARCHIVE_URL": str(folder / "archive")}
    return {**kept, "SELFREF_REDIS_URL": redis_url, **files, **ours}


@asynccontextmanager
async def keeper(redis_url: str, folder: Path, *, metrics_port: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """One keeper process with a short lease and a small window."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.keeper"),
        env=environment(redis_url, folder, lease=LEASE, window_pairs=10, metrics_port=metrics_port),
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_said(process: asyncio.subprocess.Process, event: str) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while f'"event": "{event}"'.encode() not in (text := await process.stderr.readline()):
            assert text, f"the keeper ended before it said {event}"


async def test_a_standby_takes_over_from_a_keeper_that_was_killed(store: Store, redis_url: str, tmp_path: Path):
    await spooled(store, tmp_path, file_of(*map(line, range(60))))
    async with keeper(redis_url, tmp_path) as first:
        await until_said(first, "active")
        async with keeper(redis_url, tmp_path) as second:
            await judge_next(store, count=20)
            first.kill()
            await until_said(second, "active")
            await judge_next(store, count=40)
            await until_status(store, JobStatus.COMPLETED)
    assert len(set(await judged(store))) == len(await judged(store)) == 60


async def test_a_keeper_that_was_thought_dead_changes_nothing_when_it_wakes_up(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*map(line, range(60))))
    async with keeper(redis_url, tmp_path) as first:
        await until_said(first, "active")
        await judge_next(store, count=15)
        first.send_signal(signal.SIGSTOP)
        async with keeper(redis_url, tmp_path) as second:
            await until_said(second, "active")
            await judge_next(store, count=15)
            first.send_signal(signal.SIGCONT)
            await until_said(first, "standing_by")
            await judge_next(store, count=30)
            await until_status(store, JobStatus.COMPLETED)
    assert len(set(await judged(store))) == len(await judged(store)) == 60


async def test_a_keeper_that_is_told_to_stop_ends_with_0_and_lets_go_at_once(store, redis_url, tmp_path):
    async with keeper(redis_url, tmp_path) as process:
        await until_said(process, "active")
        process.terminate()
        assert await process.wait() == 0
    assert await store.lease.hold(seconds=1)
    assert (await store.jobs.get(JOB)) is None


async def test_metrics_tell_the_active_keeper_from_a_standby(store, redis_url, tmp_path):
    ports = free_port(), free_port()
    async with keeper(redis_url, tmp_path, metrics_port=ports[0]) as first:
        await until_said(first, "active")
        async with keeper(redis_url, tmp_path, metrics_port=ports[1]) as second:
            await until_said(second, "keeping")
            pages = [httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text for port in ports]
            assert ["keeper_active 1.0" in page for page in pages] == [True, False]
            assert "keeper_active 0.0" in pages[1]
            first.kill()
            await until_said(second, "active")
            assert "keeper_active 1.0" in httpx2.get(f"http://127.0.0.1:{ports[1]}/metrics", trust_env=False).text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"SELFREF_KEEPER_WINDOW_PAIRS": "0"}, "SELFREF_KEEPER_WINDOW_PAIRS"),
        ({"SELFREF_KEEPER_LEASE": "0.1"}, "SELFREF_KEEPER_LEASE"),
        ({"SELFREF_ARCHIVE_URL": "nothing://x"}, "nothing://x"),
        ({"SELFREF_SHARDS": "3"}, "SELFREF_SHARDS=1"),
        ({"SELFREF_KEEPER_METRICS_PORT": "9", "SELFREF_KEEPER_METRICS_HOST": "192.0.2.1"}, "_KEEPER_METRICS_PORT"),
    ],
)
def test_settings_that_cannot_work_end_with_2_and_what_to_do(store, redis_url, tmp_path, settings, told):
    ended = subprocess.run(
        [sys.executable, "-m", "service.keeper"],
        env={**environment(redis_url, tmp_path), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert told in ended.stderr
