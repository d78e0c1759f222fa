"""The label feed over HTTP: pages, cursors, the long poll."""

import asyncio
import time

import pytest

from selfref.messages import FailureCode, Label
from tests.outcomes import failure_of
from tests.service.judges import judge_next

ASYNC = {"Prefer": "respond-async"}


async def submit(client, count: int, *, first: int = 0) -> None:
    for number in range(first, first + count):
        pair = {"prompt": "Which?", "answer_a": "this", "answer_b": "that", "custom_id": f"pair-{number}"}
        assert (await client.post("/judge", json=pair, headers=ASYNC)).status_code == 202


def labels(response) -> list[Label]:
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
    return [Label.model_validate_json(line) for line in response.content.splitlines()]


async def test_pages_of_any_size_are_the_whole_feed_in_one_order(client, store):
    await submit(client, 7)
    await judge_next(store, count=7)
    whole = labels(await client.get("/labels"))
    assert sorted(label.custom_id for label in whole) == [f"pair-{number}" for number in range(7)]
    for limit in (1, 2, 3, 7):
        read, response = [], await client.get("/labels", params={"limit": limit})
        while page := labels(response):
            assert len(page) <= limit
            read += page
            response = await client.get(response.links["next"]["url"])
        assert read == whole


async def test_more_than_one_batch_of_the_store_is_one_page(client, store):
    await submit(client, 60)
    await judge_next(store, count=60)
    page = labels(await client.get("/labels", params={"limit": 55}))
    assert len({label.id for label in page}) == len(page) == 55


async def test_an_empty_feed_has_a_cursor_that_finds_what_comes(client, store):
    response = await client.get("/labels")
    assert labels(response) == []
    await submit(client, 1)
    await judge_next(store)
    assert len(labels(await client.get("/labels", params={"after": response.headers["selfref-cursor"]}))) == 1


async def test_a_long_poll_is_answered_by_the_first_label(client, store):
    polling = asyncio.create_task(client.get("/labels", params={"wait": 20}))
    await submit(client, 1)
    await judge_next(store)
    async with asyncio.timeout(10):
        assert len(labels(await polling)) == 1


async def test_a_long_poll_without_labels_ends_with_its_wait(client):
    started = time.monotonic()
    response = await client.get("/labels", params={"wait": 1.2})
    assert labels(response) == []
    assert 1.2 <= time.monotonic() - started < 10
    assert response.headers["selfref-cursor"]


async def test_a_failure_makes_no_label(client, store):
    await submit(client, 2)
    await judge_next(store, lambda work: failure_of(work, FailureCode.TOO_LONG), count=1)
    await judge_next(store, count=1)
    assert len(labels(await client.get("/labels"))) == 1


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"wait": -1}, "wait"),
        ({"wait": "nan"}, "wait"),
        ({"after": "nonsense"}, "after"),
        ({"after": ""}, "after"),
        ({"after": "\x00é"}, "after"),
    ],
)
async def test_bad_parameters_are_named(client, params, param):
    response = await client.get("/labels", params=params)
    problem = response.json()
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert problem["param"] == param
    assert param in problem["detail"]


async def test_a_cursor_whose_labels_were_removed_is_gone(client, store):
    await submit(client, 3)
    await judge_next(store, count=3)
    first = await client.get("/labels", params={"limit": 1})
    last = await client.get("/labels")
    await store.labels.trim("default", through=last.headers["selfref-cursor"])
    response = await client.get("/labels", params={"after": first.headers["selfref-cursor"]})
    assert (response.status_code, response.json()["code"]) == (410, "cursor_expired")
    assert labels(await client.get("/labels", params={"after": last.headers["selfref-cursor"]})) == []
