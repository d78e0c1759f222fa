"""What is wrong with a request before its fields are looked at, and what every answer carries."""

import asyncio
import json

import httpx2
import pytest

from tests.service.gateways import gateway_process
from tests.service.judges import judge_next

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5"}
BODY = json.dumps(PAIR).encode()
ASYNC = {"Prefer": "respond-async"}
JSON = {"Content-Type": "application/json"}
REQUIRED = {"type", "title", "status", "detail", "code", "param", "retryable", "request_id"}


def assert_problem(response, status: int, code: str) -> dict:
    problem = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert set(problem) >= REQUIRED
    assert problem["type"] == f"urn:selfref:problem:{code}"
    assert problem["detail"].endswith(".")
    assert problem["request_id"] == response.headers["x-request-id"]
    return problem


async def chunks(size: int):
    yield b'{"prompt":"'
    for _ in range(size // 50_000):
        yield b"x" * 50_000
    yield b'","answer_a":"a","answer_b":"b"}'


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "invalid_json"),
        (b'{"prompt":"caf\xe9"}', JSON, 400, "not_utf8"),
        (b"", JSON, 400, "invalid_json"),
        (b'{"prompt":""}', JSON, 422, "invalid_request"),
        (BODY, {"Content-Type": "text/plain"}, 415, "not_json"),
        (BODY, {}, 415, "not_json"),
        (BODY, {"Content-Type": "application/json; charset=latin-1"}, 415, "not_utf8"),
        (BODY, {**JSON, "Idempotency-Key": "x" * 256}, 400, "invalid_idempotency_key"),
        (BODY, {**JSON, "Idempotency-Key": ""}, 400, "invalid_idempotency_key"),
    ],
)
async def test_a_request_that_cannot_be_taken_is_a_problem(client, store, content, headers, status, code):
    assert_problem(await client.post("/judge", content=content, headers=headers), status, code)
    assert (await store.judgments.counts("default")).submitted == 0


async def test_a_charset_of_utf8_is_accepted(client):
    headers = {**ASYNC, "Content-Type": 'Application/JSON; charset="UTF-8"'}
    assert (await client.post("/judge", content=BODY, headers=headers)).status_code == 202


async def test_ten_megabytes_are_refused_whether_declared_or_streamed_and_the_connection_lives(client):
    huge = json.dumps({**PAIR, "answer_a": "x" * 10_000_000}).encode()
    assert_problem(await client.post("/judge", content=huge, headers=JSON), 413, "body_too_large")
    streamed = await client.post("/judge", content=chunks(10_000_000), headers=JSON)
    assert_problem(streamed, 413, "body_too_large")
    assert (await client.post("/judge", json=PAIR, headers=ASYNC)).status_code == 202


async def test_a_body_at_the_limit_is_taken(redis_url, store):
    with gateway_process(redis_url, max_body_bytes=len(BODY)) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url, headers={**JSON, **ASYNC}) as client:
            assert (await client.post("/judge", content=BODY)).status_code == 202
            assert_problem(await client.post("/judge", content=BODY + b" "), 413, "body_too_large")


async def test_a_full_queue_refuses_until_it_drains(redis_url, store):
    with gateway_process(redis_url, queue_limit=2) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url, headers=ASYNC) as client:
            for _ in range(2):
                assert (await client.post("/judge", json=PAIR)).status_code == 202
            refused = await client.post("/judge", json=PAIR)
            assert assert_problem(refused, 429, "queue_full")["retryable"] is True
            assert int(refused.headers["retry-after"]) > 0
            await judge_next(store)
            assert (await client.post("/judge", json=PAIR)).status_code == 202


async def test_the_wait_is_capped(redis_url, store):
    with gateway_process(redis_url, max_wait=1) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url, timeout=20) as client:
            response = await client.post("/judge", json=PAIR, headers={"Prefer": "wait=600"})
            assert (response.status_code, response.headers["preference-applied"]) == (202, "wait=1")
            assert (await client.get("/labels", params={"wait": 600})).status_code == 200


async def test_an_unknown_path_says_where_the_paths_are(client):
    for path in ("/judgements", "/judge/", "/judgments/", "/judgments/a/b"):
        assert "/docs" in assert_problem(await client.get(path), 404, "unknown_path")["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/judge", "POST"),
        ("PUT", "/judge", "POST"),
        ("OPTIONS", "/judge", "POST"),
        ("POST", "/judgments/x", "DELETE, GET"),
        ("DELETE", "/labels", "GET"),
        ("POST", "/livez", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(client, method, path, allowed):
    response = await client.request(method, path)
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed


async def test_the_callers_request_id_is_kept_and_an_unusable_one_replaced(client):
    assert (await client.get("/livez", headers={"X-Request-Id": "mine-1"})).headers["x-request-id"] == "mine-1"
    for unusable in (b"", b"two words", b"x" * 129, "é".encode()):
        made = (await client.get("/livez", headers={"X-Request-Id": unusable})).headers["x-request-id"]
        assert made.encode() != unusable
        assert len(made) == 32


async def test_texts_of_pairs_are_in_no_log(redis_url, store):
    with gateway_process(redis_url) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url) as client:
            await client.post("/judge", json={**PAIR, "prompt": "SECRET"}, headers=ASYNC)
            await client.post("/judge", json={**PAIR, "prompt": "SECRET", "votes": "SECRET"})
            await client.post("/judge", json={**PAIR, "prompt": "SECRET </s>"})
        gateway.terminate()
    assert "SECRET" not in "".join(gateway.log)


async def test_an_upload_that_breaks_off_is_no_fault_of_the_service(redis_url):
    with gateway_process(redis_url) as gateway:
        url = httpx2.URL(gateway.url)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(
            b"POST /judge HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(10), httpx2.AsyncClient(base_url=gateway.url) as client:
            while 'code="client_disconnected"} 1.0' not in (await client.get("/metrics")).text:
                pass
        gateway.terminate()
    assert "Traceback" not in "".join(gateway.log)
