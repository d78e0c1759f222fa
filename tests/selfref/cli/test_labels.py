"""`selfref labels trim` on a real Redis."""

import pytest

from selfref.store import Store
from selfref.store.labels import LabelPage
from tests.selfref.cli.running import selfref
from tests.selfref.cli.test_deadletters import on_store
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import claim_all


async def read(store: Store, *, limit: int = 9) -> LabelPage:
    return await store.labels.read("acme", after=None, limit=limit, wait=0)


@pytest.fixture
def cursor(redis_url: str) -> str:
    """Behind the first of three labels of the tenant acme."""

    async def judge(store: Store) -> str:
        for name in ("p1", "p2", "p3"):
            await store.judgments.accept(work(name, tenant="acme"), fingerprint="f", queue_limit=9)
            (claim,) = await claim_all(store, "w", 1)
            await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
        return (await read(store, limit=1)).cursor

    return on_store(redis_url, judge)


def test_the_labels_of_one_tenant_up_to_the_cursor_are_dropped(cursor: str, redis_url: str) -> None:
    told = ("labels", "trim", "--through", cursor, "--redis-url", redis_url)
    assert selfref(*told).stdout == "0 labels dropped\n"
    assert selfref(*told, "--tenant", "acme").stdout == "1 label dropped\n"
    assert [label.id for label in on_store(redis_url, read).labels] == ["p2", "p3"]


def test_what_is_no_cursor_drops_nothing_and_is_wrong_use(cursor: str, redis_url: str) -> None:
    shown = selfref("labels", "trim", "--through", "nonsense", "--tenant", "acme", "--redis-url", redis_url)
    assert shown.exit_code == 2
    assert "not a label cursor" in shown.stderr
    assert len(on_store(redis_url, read).labels) == 3


def test_another_number_of_shards_is_wrong_use(cursor: str, redis_url: str) -> None:
    shown = selfref("labels", "trim", "--through", cursor, "--shards", "3", "--redis-url", redis_url)
    assert shown.exit_code == 2
    assert "--shards" in shown.stderr
