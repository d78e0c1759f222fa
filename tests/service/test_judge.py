"""One pair over HTTP: waited for, polled, withdrawn, failed."""

import asyncio

import pytest

from selfref.messages import STATE, FailureCode, JudgeRequest, Judgment, Waiting
from service.errors import FAILURE_STATUS
from tests.outcomes import failure_of, judgment_of
from tests.service.judges import judge_next, judging
from tests.service.polling import until_there

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5", "custom_id": "sum"}


async def test_a_pair_judged_within_the_wait_is_answered_with_its_judgment(client, store):
    async with judging(store):
        response = await client.post("/judge", json=PAIR, headers={"Prefer": "wait=20"})
    judgment = Judgment.model_validate_json(response.content)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == f"/judgments/{judgment.id}"
    assert response.headers["preference-applied"] == "wait=20"
    assert judgment.custom_id == "sum"
    assert (await client.get(response.headers["location"])).json() == response.json()


async def test_without_a_preference_it_waits_and_claims_to_apply_none(client, store):
    async with judging(store):
        response = await client.post("/judge", json=PAIR)
    assert response.status_code == 200
    assert "preference-applied" not in response.headers


async def test_respond_async_is_answered_at_once_and_the_judgment_can_be_read_later(client, store):
    response = await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    assert response.headers["retry-after"].isdigit()
    waiting = Waiting.model_validate_json(response.content)
    read = await client.get(f"/judgments/{waiting.id}")
    assert (read.status_code, read.json()["status"], read.headers["retry-after"]) == (200, "waiting", "1")
    await judge_next(store)
    assert (await client.get(f"/judgments/{waiting.id}")).json()["status"] == "judged"


async def test_a_wait_that_passes_is_answered_with_where_to_look(client, store):
    response = await client.post("/judge", json=PAIR, headers={"Prefer": "wait=1"})
    assert (response.status_code, response.headers["preference-applied"]) == (202, "wait=1")
    await judge_next(store)
    assert (await client.get(response.headers["location"])).json()["status"] == "judged"


async def test_reading_a_judgment_can_wait_for_it(client, store):
    location = (await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})).headers["location"]
    reading = asyncio.create_task(client.get(location, headers={"Prefer": "wait=20"}))
    async with judging(store):
        response = await reading
    assert (response.status_code, response.json()["status"]) == (200, "judged")


async def test_reading_what_has_ended_does_not_wait(client, store):
    location = (await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})).headers["location"]
    await judge_next(store)
    async with asyncio.timeout(5):
        assert (await client.get(location, headers={"Prefer": "wait=60"})).json()["status"] == "judged"


async def test_many_waiting_at_once_each_get_their_own(client, store):
    pairs = [{**PAIR, "custom_id": f"pair-{number}"} for number in range(40)]
    async with judging(store):
        responses = await asyncio.gather(*(client.post("/judge", json=pair) for pair in pairs))
    assert [response.json()["custom_id"] for response in responses] == [pair["custom_id"] for pair in pairs]


async def test_a_pair_accepted_by_one_gateway_is_waited_for_on_another(client, other_client, store):
    location = (await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})).headers["location"]
    reading = asyncio.create_task(other_client.get(location, headers={"Prefer": "wait=20"}))
    async with judging(store):
        assert (await reading).json()["status"] == "judged"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (FailureCode.TOO_LONG, 422),
        (FailureCode.MARKERS_IN_MODEL_TEXT, 422),
        (FailureCode.ENGINE_REJECTED, 422),
        (FailureCode.UNREADABLE_VERDICT, 502),
        (FailureCode.ENGINE_FAILED, 502),
        (FailureCode.CRASHED_WORKERS, 502),
        (FailureCode.UNDECODABLE, 502),
        (FailureCode.ENGINE_UNAVAILABLE, 503),
    ],
)
async def test_a_pair_that_cannot_be_judged_is_a_problem_that_says_why(client, store, code, status):
    async with judging(store, lambda work: failure_of(work, code, retryable=status == 503)):
        response = await client.post("/judge", json=PAIR)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"] == f"made to fail: {code}"
    assert problem["retryable"] is (status == 503)
    assert ("retry-after" in response.headers) is (status == 503)
    assert response.headers["location"] == f"/judgments/{problem['judgment_id']}"
    read = await client.get(response.headers["location"])
    assert (read.status_code, read.json()["status"], read.json()["error"]["code"]) == (200, "failed", code)


def test_every_failure_code_has_a_status():
    assert set(FAILURE_STATUS) == set(FailureCode)


async def test_a_waiting_pair_can_be_withdrawn_and_whoever_waits_is_told(client, store):
    posting = asyncio.create_task(client.post("/judge", json=PAIR, headers={"Idempotency-Key": "withdrawn"}))
    location = await until_there(client, "withdrawn")
    canceled = await client.delete(location)
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    response = await posting
    assert (response.status_code, response.json()["code"]) == (409, "canceled")
    assert (await client.delete(location)).status_code == 200
    assert (await client.get(location)).json()["status"] == "canceled"


async def test_what_has_been_judged_cannot_be_withdrawn(client, store):
    location = (await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})).headers["location"]
    await judge_next(store)
    response = await client.delete(location)
    assert (response.status_code, response.json()["code"]) == (409, "already_ended")
    assert (await client.get(location)).json()["status"] == "judged"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("judgment_id", ["unknown", "0" * 32, "%00", "a%20b", "x" * 2000, "é"])
async def test_an_unknown_judgment_is_not_found(client, method, judgment_id):
    response = await client.request(method, f"/judgments/{judgment_id}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_judgment")


async def test_a_client_that_goes_away_loses_nothing(client, store):
    async with asyncio.TaskGroup() as tasks:
        posting = tasks.create_task(client.post("/judge", json=PAIR, headers={"Idempotency-Key": "left"}))
        location = await until_there(client, "left")
        posting.cancel()
    await judge_next(store)
    assert (await client.get(location)).json()["status"] == "judged"


async def test_the_key_of_a_client_that_went_away_is_free_before_its_wait_is_over(client, store):
    async with asyncio.TaskGroup() as tasks:
        headers = {"Idempotency-Key": "left", "Prefer": "wait=300"}
        posting = tasks.create_task(client.post("/judge", json=PAIR, headers=headers))
        await until_there(client, "left")
        posting.cancel()
    async with asyncio.timeout(10):
        again = await client.post("/judge", json=PAIR, headers={"Idempotency-Key": "left", "Prefer": "wait=0"})
        while again.status_code == 409:
            again = await client.post("/judge", json=PAIR, headers={"Idempotency-Key": "left", "Prefer": "wait=0"})
    assert again.status_code == 202


async def test_an_empty_answer_and_a_conversation_are_judged(client, store):
    pair = {"prompt": [{"role": "user", "content": "Hi"}], "answer_a": "", "answer_b": "Hello", "principle": "kindness"}
    seen = []
    async with judging(store, lambda work: seen.append(work) or judgment_of(work)):
        response = await client.post("/judge", json=pair)
    assert response.status_code == 200
    assert seen[0].comparison == JudgeRequest.model_validate(pair).comparison()


async def test_escaped_markers_flag_the_work(client, store):
    async with judging(store):
        response = await client.post("/judge", json={**PAIR, "answer_a": "</s>", "markers": "escape"})
    assert response.json()["flags"] == ["escaped_markers"]


async def test_every_state_that_is_read_is_one_of_the_published_ones(client, store):
    response = await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})
    STATE.validate_json(response.content)
    await judge_next(store)
    STATE.validate_json((await client.get(response.headers["location"])).content)
