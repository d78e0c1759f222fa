"""`selfref deadletters` on a real Redis."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from selfref.messages import Lane, Waiting
from selfref.store import Store, Stored
from tests.outcomes import failure_of
from tests.selfref.cli.running import selfref
from tests.selfref.store.pairs import RETENTION, work
from tests.selfref.store.views import claim_all

T = TypeVar("T")


def on_store(redis_url: str, use: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        store = await Store.open(redis_url)
        try:
            return await use(store)
        finally:
            await store.aclose()

    return asyncio.run(opened())


@pytest.fixture
def failed(redis_url: str) -> str:
    """A Redis with the failed pairs p1 and p2."""

    async def fail(store: Store) -> None:
        for name in ("p1", "p2"):
            await store.judgments.accept(work(name, lane=Lane.INTERACTIVE), fingerprint="f", queue_limit=9)
        for claim in await claim_all(store, "w", 2):
            await store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)

    on_store(redis_url, fail)
    return redis_url


def states(redis_url: str) -> dict[str, str]:
    async def read(store: Store) -> list[Stored | None]:
        return await store.judgments.states(["p1", "p2"])

    return {stored.state.id: stored.state.status for stored in on_store(redis_url, read) if stored}


def test_failed_pairs_are_listed_with_the_reason_and_without_their_texts(failed: str) -> None:
    shown = selfref("deadletters", "list", "--redis-url", failed, COLUMNS="200")
    assert shown.exit_code == 0
    assert "p1" in shown.stdout
    assert "engine" in shown.stdout
    assert "Question" not in shown.stdout
    lines = selfref("deadletters", "list", "--json", "--redis-url", failed).stdout.splitlines()
    assert [json.loads(line)["judgment"] for line in lines] == ["p1", "p2"]
    assert json.loads(lines[0]).items() >= {"code": "engine_failed", "replayable": True, "tenant": "acme"}.items()
    assert "Question" not in "".join(lines)


def test_in_a_narrow_terminal_ids_stay_whole(redis_url: str) -> None:
    name = "0123456789abcdef0123456789abcdef"

    async def fail(store: Store) -> str:
        await store.judgments.accept(work(name, tenant="a" * 64), fingerprint="f", queue_limit=9)
        (claim,) = await claim_all(store, "w", 1)
        await store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)
        return (await store.dead_letters.list(1, None))[0].entry_id

    entry = on_store(redis_url, fail)
    shown = subprocess.run(
        [sys.executable, "-m", "selfref.cli", "deadletters", "list", "--redis-url", redis_url],
        env={**os.environ, "COLUMNS": "40"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{entry}  {name}" in shown.stdout.splitlines()


def test_a_long_list_is_read_in_pages(failed: str) -> None:
    (first,) = selfref("deadletters", "list", "--json", "--limit", "1", "--redis-url", failed).stdout.splitlines()
    rest = selfref("deadletters", "list", "--json", "--after", json.loads(first)["entry"], "--redis-url", failed)
    assert [json.loads(line)["judgment"] for line in rest.stdout.splitlines()] == ["p2"]
    assert selfref("deadletters", "list", "--after", "nonsense", "--redis-url", failed).exit_code == 2


def test_a_named_pair_waits_again(failed: str) -> None:
    shown = selfref("deadletters", "replay", "p2", "nosuch", "--redis-url", failed)
    assert shown.stdout == "1 pair waits again\n"
    assert states(failed) == {"p1": "failed", "p2": Waiting.model_fields["status"].default}


def test_all_wait_again(failed: str) -> None:
    assert selfref("deadletters", "replay", "--all", SELFREF_REDIS_URL=failed).stdout == "2 pairs wait again\n"
    assert set(states(failed).values()) == {"waiting"}


@pytest.mark.parametrize("arguments", [(), ("p1", "--all")])
def test_what_to_replay_must_be_said_once(failed: str, arguments: tuple[str, ...]) -> None:
    shown = selfref("deadletters", "replay", *arguments, "--redis-url", failed)
    assert shown.exit_code == 2
    assert set(states(failed).values()) == {"failed"}


def test_nothing_failed_is_said(redis_url: str) -> None:
    assert "No pair has failed" in selfref("deadletters", "list", "--redis-url", redis_url).stdout


def test_redis_away_is_said() -> None:
    shown = selfref("deadletters", "list", "--redis-url", "redis://127.0.0.1:9/0")
    assert shown.exit_code == 5
    assert "--redis-url" in shown.stderr
