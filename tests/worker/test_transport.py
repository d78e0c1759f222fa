"""The engine transport against real sockets: the pool, the failures, what it gives back, and what it never sends."""

import asyncio
import gzip
import os
import subprocess
import sys

import httpx2
import pytest

from tests.worker.judging import eventually
from tests.worker.raw_server import OK, Peer, RawServer, answer_ok, answering, serving
from worker.engines.http1 import HIGH_WATER
from worker.engines.transport import EngineTransport, new_client, response_headers

GZIPPED = b"content-length: %d\r\n\r\n%b" % (len(gzip.compress(b"hello")), gzip.compress(b"hello"))
PATIENCE = 10.0  # seconds until a condition that should hold is a failure


@pytest.fixture
async def transport():
    opened = EngineTransport(connections=4)
    yield opened
    await opened.aclose()


@pytest.fixture
async def single():
    """A pool of one connection, so that a place which is not given back is noticed at once."""
    opened = EngineTransport(connections=1)
    yield opened
    await opened.aclose()


def client(transport: EngineTransport, server: RawServer, *, timeout: float = PATIENCE) -> httpx2.AsyncClient:
    return new_client(transport=transport, base_url=server.url, timeout=timeout)


async def silent(server: RawServer, peer: Peer) -> None:
    """Answer the first connection's request never, and everything after it."""
    if server.connections > 1:
        await answer_ok(server, peer)
    else:
        server.requests.append(await peer.request())


async def test_calls_one_after_another_share_a_connection(transport):
    async with serving(answer_ok) as server:
        http = client(transport, server)
        for _ in range(5):
            assert (await http.post("/generate", json={"inputs": "x"})).content == b"ok"
        assert (server.connections, len(server.requests)) == (1, 5)


async def test_more_calls_than_connections_wait_their_turn(transport):
    async with serving(answer_ok) as server:
        http = client(transport, server)
        answers = await asyncio.gather(*(http.post("/generate", json={}) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        assert (server.connections, server.max_in_flight, len(server.requests)) == (4, 4, 50)


async def test_waiting_for_a_connection_has_an_end(single):
    async with serving(silent) as server:
        http = client(single, server, timeout=0.2)
        first = asyncio.create_task(http.get("/a", timeout=None))
        await eventually(lambda: bool(server.requests))
        with pytest.raises(httpx2.PoolTimeout):
            await http.get("/b")
        first.cancel()


async def test_clients_share_the_transport_and_do_not_close_it(transport):
    async with serving(answer_ok) as server:
        async with client(transport, server) as one:
            await one.get("/a")
        async with client(transport, server) as other:
            await other.get("/b")
        assert server.connections == 1
        with pytest.raises(RuntimeError):
            await one.get("/c")


async def test_a_refused_connection_is_a_connect_error(transport):
    async with serving(answer_ok) as server:
        pass
    with pytest.raises(httpx2.ConnectError) as failed:
        await client(transport, server).get("/info")
    assert failed.value.request.url == f"{server.url}/info"


async def test_a_plain_server_behind_an_https_url_is_a_connect_error(transport):
    async def plain(_: RawServer, peer: Peer) -> None:
        await peer.send(b"220 mail.example.org ready\r\n")

    async with serving(plain) as server:
        with pytest.raises(httpx2.ConnectError):
            await client(transport, server).get(server.url.replace("http://", "https://") + "/info")


async def test_a_silent_engine_is_a_read_timeout_and_sees_the_disconnect(single):
    async with serving(silent) as server:
        http = client(single, server, timeout=0.2)
        with pytest.raises(httpx2.ReadTimeout):
            await http.post("/generate", json={})
        await eventually(server.gone.is_set)
        assert (await http.get("/again")).content == b"ok"


async def test_a_canceled_call_closes_its_connection_and_frees_its_place(single):
    async with serving(silent) as server:
        http = client(single, server)
        call = asyncio.create_task(http.post("/generate", json={}))
        await eventually(lambda: bool(server.requests))
        call.cancel()
        await eventually(server.gone.is_set)
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await http.get("/again")).content == b"ok"


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ((), httpx2.RemoteProtocolError),
        ((b"HTTP/1.1 200 OK\r\ncontent-le",), httpx2.RemoteProtocolError),
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",), httpx2.RemoteProtocolError),
        ((b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf",), httpx2.RemoteProtocolError),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), httpx2.RemoteProtocolError),
    ],
)
async def test_a_broken_answer_is_a_remote_protocol_error_and_never_a_short_body(single, pieces, error):
    async with serving(answering(*pieces)) as server:
        http = client(single, server)
        for _ in range(2):  # the second: the place was given back
            with pytest.raises(error):
                await http.post("/generate", json={})


async def test_a_reset_is_a_read_error(single):
    async def resetting(server: RawServer, peer: Peer) -> None:
        await peer.request()
        peer.reset()

    async with serving(resetting) as server:
        http = client(single, server)
        for _ in range(2):
            with pytest.raises(httpx2.ReadError):
                await http.get("/info")


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"),  # ended by the close
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",),
        (
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n",
            b"3\r\nllo\r\n0\r\n\r\n",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(b"hello"),),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: gzip\r\n" + GZIPPED,),
    ],
)
async def test_every_way_to_end_a_body_is_understood(single, pieces):
    async with serving(answering(*pieces)) as server:
        http = client(single, server)
        for _ in range(2):
            answer = await http.get("/info")
            assert (answer.status_code, answer.text) == (200, "hello")


async def test_a_connection_closed_while_idle_is_replaced(single):
    async with serving(answering(OK)) as server:
        http = client(single, server)
        for _ in range(3):
            assert (await http.get("/info")).content == b"ok"
            await eventually(lambda: all(kept.closed for stack in single._idle.values() for kept in stack))
        assert server.connections == 3


async def test_bytes_that_nobody_asked_for_never_answer_the_next_request(single):
    async def talkative(server: RawServer, peer: Peer) -> None:
        while await peer.request():
            await peer.send(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")

    async with serving(talkative) as server:
        http = client(single, server)
        for number in range(1, 4):
            assert (await http.get("/info")).content == b"ok"
            assert server.connections == number


async def test_a_streamed_body_arrives_as_it_is_sent(single):
    async def slow(server: RawServer, peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await server.release.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")
        await answer_ok(server, peer)

    async with serving(slow) as server:
        http = client(single, server)
        async with http.stream("GET", "/generate_stream") as answer:
            pieces = answer.aiter_bytes()
            assert await anext(pieces) == b"one"
            server.release.set()
            assert [piece async for piece in pieces] == [b"two"]
        assert (await http.get("/info")).content == b"ok"
        assert server.connections == 1


async def test_a_stream_left_early_closes_its_connection(single):
    async def endless(server: RawServer, peer: Peer) -> None:
        if server.connections > 1:
            return await answer_ok(server, peer)
        await peer.request()
        return await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")

    async with serving(endless) as server:
        http = client(single, server)
        async with http.stream("GET", "/generate_stream") as answer:
            assert await anext(answer.aiter_bytes()) == b"one"
        await eventually(server.gone.is_set)
        assert (await http.get("/info")).content == b"ok"


async def test_a_slow_reader_holds_the_engine_back(single):
    size = 64 * HIGH_WATER

    async def generous(server: RawServer, peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)

    async with serving(generous) as server:
        largest = received = 0
        async with client(single, server).stream("GET", "/big") as answer:
            async for piece in answer.aiter_raw():
                largest, received = max(largest, len(piece)), received + len(piece)
                for _ in range(20):  # the loop turns, and would read on
                    await asyncio.sleep(0)
        assert received == size
        assert largest <= 2 * HIGH_WATER  # one more read may be under way when it says stop


async def test_what_cannot_be_sent_is_refused(transport):
    async def body():
        yield b"piece"

    async with serving(answer_ok) as server:
        http = client(transport, server)
        for method, options in (
            ("POST", {"content": body()}),
            ("HEAD", {}),
            ("GET", {"headers": {"x-id": "1\r\nx-other: 2"}}),
        ):
            with pytest.raises(httpx2.LocalProtocolError):
                await http.request(method, "/info", **options)
        with pytest.raises(httpx2.UnsupportedProtocol):
            await http.get("ftp://127.0.0.1/x")
        assert server.requests == []


async def test_the_lean_request_says_what_httpx2s_own_says(transport):
    lean = new_client(transport=transport, base_url="http://127.0.0.1:8081/prefix", api_key="k", timeout=3)
    whole = httpx2.AsyncClient(
        base_url="http://127.0.0.1:8081/prefix",
        headers={"authorization": "Bearer k", "accept-encoding": "identity"},
        timeout=3,
    )
    asked = {"json": {"inputs": "ä"}, "headers": {"X-Id": "7"}, "timeout": 9.0}
    for options in (asked, {"content": b"{}", "headers": {"content-type": "text/plain"}}, {"params": {"a": "1"}}, {}):
        one, other = (http.build_request("POST", "/generate", **options) for http in (lean, whole))
        assert one.url == other.url
        ignored = {"connection", "user-agent", "content-length", "content-type"}
        assert {k: v for k, v in one.headers.items() if k not in ignored} == {
            k: v for k, v in other.headers.items() if k not in ignored
        }
        assert one.headers.get("content-length", "0") == str(len(one.content))
        assert one.extensions == other.extensions
        if "json" in options:
            assert one.headers["content-type"] == other.headers["content-type"]
        else:
            assert one.content == other.content
    await whole.aclose()


async def test_headers_of_a_response_belong_to_the_task_that_asked(transport):
    async def counting(server: RawServer, peer: Peer) -> None:
        while request := await peer.request():
            number = request.split(b" ")[1][1:]
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-prompt-tokens: %b\r\n\r\n" % number)

    async with serving(counting) as server:
        http = client(transport, server)

        async def ask(number: int) -> str | None:
            await http.get(f"/{number}")
            headers = response_headers()
            return headers.get("x-prompt-tokens") if headers else None

        assert await asyncio.gather(*map(ask, range(20))) == [str(number) for number in range(20)]
        assert response_headers() is None


_HUB_CALL = """
import asyncio, sys
from huggingface_hub import AsyncInferenceClient
from worker.engines.transport import EngineTransport, install_transport

async def main():
    transport = EngineTransport(connections=1)
    install_transport(transport)
    async with AsyncInferenceClient(model=sys.argv[1] + "/generate", api_key="-", timeout=5) as hub:
        print(await hub.text_generation("hello", max_new_tokens=1))
    await transport.aclose()

asyncio.run(main())
"""


async def test_the_machines_token_proxies_and_offline_mode_never_reach_a_hub_call():
    body = b'{"generated_text": "said"}'
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    nowhere = "http://127.0.0.1:1"
    told = {"HF_TOKEN": "hf_secret", "HF_HUB_OFFLINE": "1", "HTTP_PROXY": nowhere, "ALL_PROXY": nowhere}
    async with serving(answering(reply)) as server:
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", _HUB_CALL, server.url],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (ran.stdout, ran.returncode) == ("said\n", 0), ran.stderr
    (request,) = server.requests
    assert b"hf_secret" not in request
    assert b"authorization: Bearer -" in request
