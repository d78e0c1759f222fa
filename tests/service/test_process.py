"""Starting and stopping the process: what it prints, what it refuses, how it ends."""

import asyncio
import hashlib
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.service.gateways import environment, gateway_process
from tests.service.judges import judge_next
from tests.service.polling import until_there

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5"}


def start(redis_url: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """A gateway that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "service"],
        env=environment(redis_url, Path("nowhere"), **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"host": "0.0.0.0"}, "SELFREF_SERVICE_API_KEYS"),
        ({"port": "eighty"}, "SELFREF_SERVICE_PORT"),
        ({"retention": "inf"}, "SELFREF_SERVICE_RETENTION"),
        ({"retention": "1e300"}, "SELFREF_SERVICE_RETENTION"),
        ({"max_wait": "nan"}, "SELFREF_SERVICE_MAX_WAIT"),
        ({"api_keys_file": sys.executable}, "SELFREF_SERVICE_API_KEYS_FILE"),
        ({"api_keys": "lab:not-a-digest"}, "SHA-256"),
        ({"api_keys_file": "/nowhere/keys"}, "/nowhere/keys"),
        ({"host": "192.0.2.1", "api_keys": f"lab:{'0' * 64}"}, "cannot listen on 192.0.2.1"),
    ],
)
def test_settings_that_cannot_work_end_with_2_and_what_to_do(redis_url, settings, says):
    ended = start(redis_url, **settings)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_another_number_of_shards_than_redis_has_ends_with_2_and_the_right_number(redis_url, store):
    ended = subprocess.run(
        [sys.executable, "-m", "service"],
        env={**environment(redis_url, Path("nowhere")), "SELFREF_SHARDS": "3"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, "set SELFREF_SHARDS=1" in ended.stderr) == (2, True)
    assert "SELFREF_REDIS_URL" not in ended.stderr


def test_empty_variables_are_unset_and_misspelt_ones_are_named_once(redis_url):
    with gateway_process(redis_url, retention="", api_keys_file="", queue_limits="7") as gateway:
        assert gateway.terminate() == 0
    warned = [line for line in gateway.log if "unknown_settings" in line]
    assert len(warned) == 1
    assert "SELFREF_SERVICE_QUEUE_LIMITS" in warned[0]
    assert "RETENTION" not in warned[0]


def test_a_redis_url_that_is_none_ends_with_2():
    ended = start("http://127.0.0.1/")
    assert (ended.returncode, "SELFREF_REDIS_URL" in ended.stderr) == (2, True)


def test_a_port_in_use_is_named(redis_url):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = start(redis_url, port=taken.getsockname()[1])
    assert (ended.returncode, "SELFREF_SERVICE_PORT" in ended.stderr) == (2, True)


def test_a_redis_that_is_not_there_ends_with_1_and_names_the_setting():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ended = start(f"redis://127.0.0.1:{port}/0")
    assert (ended.returncode, "SELFREF_REDIS_URL" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr


def test_beyond_loopback_with_keys_it_starts(redis_url):
    digest = hashlib.sha256(b"secret").hexdigest()
    with gateway_process(redis_url, host="0.0.0.0", api_keys=f"lab:{digest}") as gateway:
        assert gateway.url.startswith("http://0.0.0.0:")
        assert gateway.terminate() == 0
    assert digest not in "".join(gateway.log)


async def test_told_to_stop_it_lets_waiting_requests_go_at_once_and_loses_nothing(redis_url, store):
    with gateway_process(redis_url) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url, timeout=60) as client:
            headers = {"Idempotency-Key": "k", "Prefer": "wait=300"}
            posting = asyncio.create_task(client.post("/judge", json=PAIR, headers=headers))
            location = await until_there(client, "k")
            reading = asyncio.create_task(client.get(location, headers={"Prefer": "wait=300"}))
            polling = asyncio.create_task(client.get("/labels", params={"wait": 300}))
            while "service_waiting_requests 2.0" not in (await client.get("/metrics")).text:
                pass
            stopped = asyncio.create_task(asyncio.to_thread(gateway.terminate))
            async with asyncio.timeout(5):
                responses = await asyncio.gather(posting, reading, polling)
            assert await stopped == 0
    assert [response.status_code for response in responses] == [202, 200, 200]
    assert [response.json()["status"] for response in responses[:2]] == ["waiting", "waiting"]
    await judge_next(store)
    with gateway_process(redis_url) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url) as client:
            again = await client.post("/judge", json=PAIR, headers={"Idempotency-Key": "k"})
            assert (again.status_code, again.json()["status"]) == (200, "judged")


async def test_a_request_in_progress_is_finished_before_the_end_and_readiness_fails_meanwhile(redis_url, store):
    sent = asyncio.Event()
    go_on = asyncio.Event()

    async def slow():
        yield b'{"prompt":"p","answer_a":"a",'
        sent.set()
        await go_on.wait()
        yield b'"answer_b":"b"}'

    headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
    with gateway_process(redis_url) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url, timeout=60) as client:
            posting = asyncio.create_task(client.post("/judge", content=slow(), headers=headers))
            await sent.wait()
            stopped = asyncio.create_task(asyncio.to_thread(gateway.terminate))
            await until_not_ready(gateway.url)
            go_on.set()
            assert (await posting).status_code == 202
            assert await stopped == 0
    assert (await store.judgments.counts("default")).waiting == 1


async def until_not_ready(url: str) -> None:
    """Returns once a new probe fails: refused, or answered with 503."""
    async with asyncio.timeout(10):
        while True:
            try:
                async with httpx2.AsyncClient(base_url=url) as probe:
                    if (await probe.get("/readyz")).status_code == 503:
                        return
            except httpx2.TransportError:
                return
