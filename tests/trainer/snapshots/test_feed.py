"""Snapshots of the feed of a real service, and what is said where it cannot go on."""

import asyncio
import math
import threading
from pathlib import Path

import pytest

from selfref.client import Client, LabelPage
from selfref.embedded_redis import free_port
from selfref.messages import Verdict
from selfref.store import Store
from tests.selfref.cli.fake_feed import feed
from tests.selfref.exports.labels import label
from tests.trainer.snapshots.feeds import TENANT, ShortPages, files, judge, rows, taken
from trainer.errors import LabelsGone, NothingToTrainOn, TrainingError
from trainer.snapshots.chain import snapshots
from trainer.snapshots.contents import Rules
from trainer.snapshots.feed import Feed, pages
from trainer.snapshots.sieve import Reason
from trainer.snapshots.taking import Order


class Watched:
    """A feed whose labels so far are had with its first page; tells when more than those are asked for."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.pages = 0
        self.asked_beyond_the_end = threading.Event()

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """The feed's own page."""
        self.pages += 1
        if self.pages == 2:
            self.asked_beyond_the_end.set()
        return self._feed.label_page(after, limit=limit, wait=wait)


async def test_snapshots_are_the_feed_in_its_order(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(25))
    whole = client.label_page(limit=1000).labels
    chain = taken(tmp_path, client, Order(10, rest=True), Rules(heldout_share=0.0, keep_ties=True))
    assert [(each.manifest.first_id, each.manifest.last_id, each.manifest.consumed) for each in chain] == [
        (whole[0].id, whole[9].id, 10),
        (whole[10].id, whole[19].id, 10),
        (whole[20].id, whole[24].id, 5),
    ]
    kept = [each for each in whole if each.verdict is not Verdict.INCONSISTENT]
    assert [row for each in chain for row in rows(each)] == kept


async def test_a_manifest_goes_on_exactly_behind_its_last_label(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(9))
    whole = client.label_page(limit=1000).labels
    (snapshot,) = taken(tmp_path, client, Order(4, count=1))
    assert client.label_page(snapshot.manifest.cursor).labels == whole[4:]
    assert list(pages(client, after=None, most=4, deadline=0.0))[-1].cursor == snapshot.manifest.cursor


async def test_more_labels_than_a_page_holds(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(1205))
    (snapshot,) = taken(tmp_path, client, Order(1200, count=1))
    assert snapshot.manifest.consumed == 1200
    assert len(client.label_page(snapshot.manifest.cursor).labels) == 5


async def test_answers_alike_are_dropped(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(3), equal=True, verdict=Verdict.A)
    await judge(store, [3], verdict=Verdict.B)
    (snapshot,) = taken(tmp_path, client, 4)
    assert snapshot.manifest.dropped[Reason.EQUAL_ANSWERS] == 3
    assert [row.verdict for row in rows(snapshot)] == [Verdict.B]


async def test_nothing_but_ties(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(3), verdict=Verdict.TIE)
    (snapshot,) = taken(tmp_path, client, 3)
    assert snapshot.manifest.dropped[Reason.TIE] == 3
    assert rows(snapshot) == []


async def test_an_empty_feed_has_nothing_to_train_on(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NothingToTrainOn, match="the feed has 0 labels so far"):
        taken(tmp_path, client, Order(3, rest=True))
    assert files(tmp_path) == {}


async def test_labels_that_are_missing_are_waited_for(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(2))
    watched = Watched(client)
    taking = asyncio.create_task(asyncio.to_thread(taken, tmp_path, watched, Order(4, count=1, wait=60.0)))
    await asyncio.to_thread(watched.asked_beyond_the_end.wait, 30)
    await judge(store, range(2, 5))
    async with asyncio.timeout(30):
        (snapshot,) = await taking
    assert snapshot.manifest.consumed == 4


async def test_waiting_ends_and_asks_seldom(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(2))
    watched = Watched(client)
    with pytest.raises(NothingToTrainOn, match="has 2 labels so far"):
        taken(tmp_path, watched, Order(3, wait=0.5))
    assert watched.pages == 2
    (snapshot,) = taken(tmp_path, client, Order(3, rest=True, wait=0.5))
    assert snapshot.manifest.consumed == 2


async def test_trimming_through_the_last_manifest_loses_nothing(store: Store, client: Client, tmp_path: Path) -> None:
    await judge(store, range(9))
    taken(tmp_path / "whole", client, 3)
    (first,) = taken(tmp_path / "trimmed", client, Order(3, count=1))
    assert await store.labels.trim(TENANT, through=first.manifest.cursor) == 3
    taken(tmp_path / "trimmed", client, 3)
    assert files(tmp_path / "trimmed") == files(tmp_path / "whole")


async def test_labels_trimmed_before_they_were_taken_up_are_missed_aloud(
    store: Store, client: Client, tmp_path: Path
) -> None:
    await judge(store, range(9))
    taken(tmp_path, client, Order(2, count=2))
    before = files(tmp_path)
    beyond = client.label_page(limit=5)
    assert await store.labels.trim(TENANT, through=beyond.cursor) == 5
    with pytest.raises(LabelsGone, match=r"labels after snapshot 00002 were trimmed .*start a new data folder"):
        taken(tmp_path, client, 2)
    assert files(tmp_path) == before
    (snapshot,) = taken(tmp_path / "new", client, 4)
    assert snapshot.manifest.consumed == 4


def test_trimming_under_a_first_snapshot_says_to_take_it_again(tmp_path: Path) -> None:
    with (
        feed([label("one")], [label("other")], at_page=1) as url,
        Client(url) as trimmed,
        pytest.raises(LabelsGone, match="Take it again"),
    ):
        taken(tmp_path, trimmed, 2)


async def test_a_feed_that_was_replaced_is_not_gone_on_with(
    store: Store, client: Client, redis_url: str, tmp_path: Path
) -> None:
    await judge(store, range(4))
    taken(tmp_path, client, 2)
    await store._pipeline.call("FLUSHALL")
    other = await Store.open(redis_url)
    await judge(other, range(10, 14))
    await other.aclose()
    with pytest.raises(TrainingError, match=r"does not know the cursor of snapshot 00002.*--url") as caught:
        taken(tmp_path, client, 2)
    assert not isinstance(caught.value, LabelsGone)
    assert len(snapshots(tmp_path)) == 2


def test_a_service_that_is_not_there(tmp_path: Path) -> None:
    with (
        Client(f"http://127.0.0.1:{free_port()}", retries=0) as nobody,
        pytest.raises(TrainingError, match=r"no answer from .*selfref up.*--url"),
    ):
        taken(tmp_path, nobody, 2)
    assert files(tmp_path) == {}


@pytest.mark.parametrize("longest", [1, 2, 1000])
async def test_pages_never_go_beyond_what_is_missing(store: Store, client: Client, longest: int) -> None:
    await judge(store, range(8))
    found = list(pages(ShortPages(client, longest), after=None, most=5, deadline=-math.inf))
    assert sum(len(page.labels) for page in found) == 5
    assert len(found) == math.ceil(5 / longest)
