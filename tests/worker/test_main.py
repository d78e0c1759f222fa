"""How a worker process ends: what its exit code says, what its last log keeps quiet, what it leaves in the store."""

import pytest

from selfref.store import Store
from tests.stub_engine import StubEngine
from tests.worker.judging import submit
from tests.worker.test_paced import SmallEngine
from worker.__main__ import (
    BUG,
    UNSUITABLE_ENGINE,
    WRONG_SETTINGS,
    WrongSetting,
    _closing,
    _opened,
    _report,
    _still_the_same,
)
from worker.errors import EngineUnsuitable
from worker.settings import Settings


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineUnsuitable("no log-probabilities"), UNSUITABLE_ENGINE),
        (ExceptionGroup("", [ExceptionGroup("", [EngineUnsuitable("another model")])]), UNSUITABLE_ENGINE),
        (WrongSetting("SELFREF_SHARDS", "one shard here, four there"), WRONG_SETTINGS),
        (ZeroDivisionError("text of a pair"), BUG),
        (ExceptionGroup("", [EngineUnsuitable("no"), KeyError("text of a pair")]), BUG),
    ],
)
def test_the_exit_code_says_how_it_ended_and_no_log_quotes_a_bugs_message(
    error: Exception, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _report(error) == code
    output = "".join(capfd.readouterr())
    assert output
    assert "text of a pair" not in output


async def test_an_engine_that_came_back_as_another_model_is_refused() -> None:
    stub = StubEngine()
    try:
        settings = Settings(engine_url=stub.url)
        engine = await _opened(settings, timeout=5)
        await _still_the_same(engine, settings)
        with pytest.raises(EngineUnsuitable, match="instead of m"):
            await _still_the_same(SmallEngine(places=1), settings)
        await engine.aclose()
    finally:
        stub.close()


async def test_closing_after_a_bug_leaves_the_guilty_pair_to_its_lease(redis_url: str, store: Store) -> None:
    (pair,) = await submit(store, 1)
    crashed = await Store.open(redis_url)
    await crashed.work.claim("crashed", count=1, wait=0)
    await _closing(crashed)(ZeroDivisionError, ZeroDivisionError(), None)
    assert await store.work.claim("next", count=1, wait=0) == []
    (claim,) = await store.work.reclaim("next", lease=0.0, count=1)
    assert (claim.work.id, claim.deliveries) == (pair, 2)
    await crashed.aclose()


async def test_closing_after_a_clean_end_gives_back_what_is_held(redis_url: str, store: Store) -> None:
    (pair,) = await submit(store, 1)
    stopped = await Store.open(redis_url)
    await stopped.work.claim("stopped", count=1, wait=0)
    await _closing(stopped)(None, None, None)
    (claim,) = await store.work.claim("next", count=1, wait=0)
    assert (claim.work.id, claim.deliveries) == (pair, 1)
