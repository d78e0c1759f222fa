"""Redis dies and comes back; requests are told, and what was accepted is still there."""

import asyncio

import httpx2
import pytest

from selfref.store import Store
from tests.redis_server import RedisServer
from tests.service.gateways import gateway_process
from tests.service.judges import judge_next
from tests.service.polling import until_there

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5"}


@pytest.fixture
def mortal_redis(tmp_path):
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
async def client(mortal_redis):
    with gateway_process(mortal_redis.url) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url, timeout=60) as client:
            yield client


REQUESTS = (
    ("POST", "/judge"),
    ("GET", "/judgments/x"),
    ("DELETE", "/judgments/x"),
    ("GET", "/labels"),
    ("GET", "/readyz"),
)


async def test_while_redis_is_away_every_answer_is_503_and_when_to_come_back(mortal_redis, client):
    mortal_redis.kill()
    for method, path in REQUESTS:
        for headers in ({}, {"Idempotency-Key": "k"}):
            response = await client.request(method, path, json=PAIR if method == "POST" else None, headers=headers)
            problem = response.json()
            assert (response.status_code, problem["code"], problem["retryable"]) == (503, "store_unavailable", True)
            assert int(response.headers["retry-after"]) > 0
            assert "127.0.0.1" not in response.text
    assert (await client.get("/livez")).status_code == 200
    assert "service_store_up 0.0" in (await client.get("/metrics")).text
    assert "not ready" in (await client.get("/")).text
    mortal_redis.restart()
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})).status_code == 202


async def test_a_503_to_a_pair_names_where_it_may_be_found(mortal_redis, client):
    mortal_redis.kill()
    problem = (await client.post("/judge", json=PAIR)).json()
    mortal_redis.restart()
    assert (await client.get(f"/judgments/{problem['judgment_id']}")).status_code == 404


async def test_a_request_that_waits_while_redis_restarts_gets_its_judgment(mortal_redis, client):
    posting = asyncio.create_task(client.post("/judge", json=PAIR, headers={"Idempotency-Key": "k"}))
    await until_there(client, "k")
    mortal_redis.kill()
    mortal_redis.restart()
    store = await Store.open(mortal_redis.url)
    await judge_next(store)
    await store.aclose()
    async with asyncio.timeout(20):
        assert (await posting).json()["status"] == "judged"


async def test_a_wait_that_ends_while_redis_is_away_is_answered_with_what_is_known(mortal_redis, client):
    headers = {"Idempotency-Key": "k", "Prefer": "wait=2"}
    posting = asyncio.create_task(client.post("/judge", json=PAIR, headers=headers))
    await until_there(client, "k")
    mortal_redis.kill()
    response = await posting
    assert (response.status_code, response.json()["status"]) == (202, "waiting")


async def test_a_full_redis_refuses_pairs_and_still_serves_what_it_has(mortal_redis, client):
    location = (await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})).headers["location"]
    await command(mortal_redis, "CONFIG SET maxmemory 1")
    refused = await client.post("/judge", json=PAIR)
    assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
    assert "out of memory" in refused.json()["detail"]
    ready = await client.get("/readyz")
    assert (ready.status_code, "out of memory" in ready.json()["detail"]) == (503, True)
    assert "out of memory" in (await client.get("/")).text
    assert (await client.get(location)).status_code == 200
    with gateway_process(mortal_redis.url) as started_meanwhile:
        async with httpx2.AsyncClient(base_url=started_meanwhile.url, timeout=60) as other:
            assert (await other.get(location)).status_code == 200
    await command(mortal_redis, "CONFIG SET maxmemory 0")
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})).status_code == 202


async def command(server: RedisServer, text: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{text}\r\n".encode())
    assert await reader.readline() == b"+OK\r\n"
    writer.close()
    await writer.wait_closed()
