"""Idempotency-Key: one key, one request, one judgment."""

import asyncio

import pytest

from selfref.messages import FailureCode
from service.submission import RUN_AGAIN
from tests.outcomes import failure_of
from tests.service.judges import judge_next, judging
from tests.service.polling import until_there

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5"}
KEY = {"Idempotency-Key": "key-1"}
ASYNC = {**KEY, "Prefer": "respond-async"}


async def test_the_same_request_again_is_the_same_judgment(client, store):
    first = await client.post("/judge", json=PAIR, headers=ASYNC)
    again = await client.post("/judge", json=PAIR, headers=ASYNC)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    await judge_next(store)
    finished = await client.post("/judge", json=PAIR, headers=KEY)
    assert (finished.status_code, finished.json()["id"]) == (200, first.json()["id"])
    assert (await store.judgments.counts("default")).submitted == 1


async def test_a_quoted_key_is_the_same_key(client):
    first = await client.post("/judge", json=PAIR, headers=ASYNC)
    quoted = await client.post("/judge", json=PAIR, headers={**ASYNC, "Idempotency-Key": '"key-1"'})
    assert first.json()["id"] == quoted.json()["id"]


async def test_the_same_request_spelt_differently_is_the_same(client):
    await client.post("/judge", json=PAIR, headers=ASYNC)
    again = await client.post("/judge", json={"votes": None, **PAIR, "principle": "best for humanity"}, headers=ASYNC)
    assert again.status_code == 202


async def test_another_request_under_the_same_key_is_refused(client, store):
    first = await client.post("/judge", json=PAIR, headers=ASYNC)
    for state in ("waiting", "judged"):
        assert (await client.get(first.headers["location"])).json()["status"] == state
        other = await client.post("/judge", json={**PAIR, "answer_b": "6"}, headers=ASYNC)
        problem = other.json()
        assert (other.status_code, problem["code"]) == (422, "idempotency_key_reused")
        assert (problem["param"], problem["retryable"]) == ("Idempotency-Key", False)
        if state == "waiting":
            await judge_next(store)
    assert (await store.judgments.counts("default")).submitted == 1


async def test_a_second_request_while_the_first_is_open_is_told_to_wait(client, other_client, store):
    posting = asyncio.create_task(client.post("/judge", json=PAIR, headers=KEY))
    location = await until_there(client, "key-1")
    for gateway in (client, other_client):
        second = await gateway.post("/judge", json=PAIR, headers=KEY)
        assert (second.status_code, second.json()["code"]) == (409, "request_in_progress")
        assert second.json()["retryable"] is True
        assert (second.headers["location"], second.headers["retry-after"]) == (location, "1")
    different = await other_client.post("/judge", json={**PAIR, "answer_a": "3"}, headers=KEY)
    assert (different.status_code, different.json()["code"]) == (422, "idempotency_key_reused")
    await judge_next(store)
    assert (await posting).status_code == 200
    assert (await other_client.post("/judge", json=PAIR, headers=KEY)).status_code == 200


async def test_many_at_once_make_one_judgment(client, other_client, store):
    async with judging(store):
        responses = await asyncio.gather(
            *(gateway.post("/judge", json=PAIR, headers=KEY) for gateway in (client, other_client) * 10)
        )
    assert {response.status_code for response in responses} <= {200, 409}
    assert 200 in {response.status_code for response in responses}
    assert len({response.headers["location"] for response in responses}) == 1
    assert (await store.judgments.counts("default")).submitted == 1


async def test_two_different_requests_at_once_under_one_key_are_one_judgment_and_one_refusal(
    client, other_client, store
):
    other = {**PAIR, "answer_b": "6"}
    first, second = await asyncio.gather(
        client.post("/judge", json=PAIR, headers=ASYNC), other_client.post("/judge", json=other, headers=ASYNC)
    )
    assert 422 in (first.status_code, second.status_code)
    assert (await store.judgments.counts("default")).submitted == 1


@pytest.mark.parametrize(("code", "status"), [(FailureCode.TOO_LONG, 422), (FailureCode.CRASHED_WORKERS, 502)])
async def test_a_failure_that_is_the_pairs_own_is_answered_again_and_not_run_again(client, store, code, status):
    async with judging(store, lambda work: failure_of(work, code)):
        first = await client.post("/judge", json=PAIR, headers=KEY)
    async with judging(store):
        again = await client.post("/judge", json=PAIR, headers=KEY)
    assert (first.status_code, again.status_code) == (status, status)
    assert again.json()["code"] == code


@pytest.mark.parametrize("code", sorted(RUN_AGAIN))
async def test_a_failure_of_the_engine_is_not_answered_again_but_run_again(client, store, code):
    async with judging(store, lambda work: failure_of(work, code, retryable=True)):
        first = await client.post("/judge", json=PAIR, headers=KEY)
    assert first.status_code >= 500
    async with judging(store):
        again = await client.post("/judge", json=PAIR, headers=KEY)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["judgment_id"])
    counts = await store.judgments.counts("default")
    assert (counts.submitted, counts.decided, counts.failed) == (1, 1, 0)


async def test_requests_without_a_key_are_never_the_same(client):
    first, second = [await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"}) for _ in range(2)]
    assert first.json()["id"] != second.json()["id"]
