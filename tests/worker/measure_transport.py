"""What one engine call costs the caller's CPU, by HTTP client: the figures of docs/decisions/0002-engine-transport.md.

    python -m tests.worker.measure_transport --calls 2000 --rounds 5

Every client makes the same `/generate` calls, 64 at a time, to the stub engine in a process of its own; rounds are
interleaved, because the machine's speed drifts more than the clients differ. Not a test: it asserts nothing.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import median
from typing import Annotated, Any

import aiohttp
import httpx2
import orjson
import typer
import uvloop
from huggingface_hub import AsyncInferenceClient, set_async_client_factory

from worker.engines.transport import EngineTransport, new_client

CONCURRENCY = 64
PROMPT = (
    '[INST] Which is better?\nResponse A:\n"""\nGOOD\n"""\n\nResponse B:\n"""\n' + "some words " * 200 + '"""\n [/INST]'
)
TURN = {"do_sample": False, "max_new_tokens": 512, "return_full_text": False}
VERDICT = {"do_sample": False, "max_new_tokens": 1, "return_full_text": False, "top_n_tokens": 5, "details": True}

Call = Callable[[], Awaitable[object]]


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """The transport that was not taken: aiohttp's pool under httpx2's client."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; whole bodies only, no error mapping: enough to be measured."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY))
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        sent = self._session.request(request.method, str(request.url), data=request.content, headers=headers)
        async with sent as answer:
            return httpx2.Response(answer.status, headers=answer.raw_headers, content=await answer.read())

    async def aclose(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()


class Inline(ThreadPoolExecutor):
    """What was not taken either: huggingface_hub ends each call with `asyncio.to_thread`, and this runs it in place."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it here."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def hub_client(url: str, factory: Callable[[], httpx2.AsyncClient] | None) -> AsyncInferenceClient:
    """huggingface_hub's client as the worker makes it, over the given httpx2 client."""
    set_async_client_factory(factory or (lambda: httpx2.AsyncClient(follow_redirects=True, timeout=None)))
    return AsyncInferenceClient(model=f"{url}/generate", api_key="-", timeout=60)


def sized() -> httpx2.AsyncClient:
    """httpx2 with as many kept-alive connections as there are calls in flight."""
    limits = httpx2.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    return httpx2.AsyncClient(limits=limits, trust_env=False, timeout=60)


async def clients(url: str) -> AsyncIterator[tuple[str, Call]]:
    """Name and call of every client, the bare loop first; each is opened only when its turn comes."""
    target, body = f"{url}/generate", {"inputs": PROMPT, "parameters": TURN}

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())  # as a loop has it, until the last rows
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY))

    async def bare_aiohttp() -> object:
        async with session.post(target, json=body) as answer:
            return json.loads(await answer.read())

    yield "aiohttp, bare", bare_aiohttp
    await session.close()
    default, pooled = httpx2.AsyncClient(timeout=60), sized()
    transport = EngineTransport(connections=CONCURRENCY)
    lean = new_client(transport=transport, timeout=60)
    ready = httpx2.Request("POST", target, content=orjson.dumps(body), headers={"content-type": "application/json"})

    async def only_transport() -> object:
        return orjson.loads((await transport.handle_async_request(ready)).content)

    yield "EngineTransport, bare", only_transport
    for name, client in (("default pool", default), ("pool of 64", pooled), ("EngineTransport", lean)):
        yield f"httpx2, {name}", lambda client=client: client.post(target, json=body)
        await client.aclose()

    async def turn(hub: AsyncInferenceClient, **more: Any) -> object:
        return await hub.text_generation(PROMPT, **{**TURN, **more})

    factories: list[tuple[str, Callable[[], httpx2.AsyncClient] | None]] = [
        ("default pool", None),
        ("pool of 64", sized),
        ("aiohttp transport", lambda: httpx2.AsyncClient(transport=AiohttpTransport(), trust_env=False)),
        ("EngineTransport", lambda: new_client(transport=transport)),
    ]
    for name, factory in factories:
        hub = hub_client(url, factory)
        await turn(hub)  # huggingface_hub opens its client now, from the factory of now
        yield f"hub, {name}", lambda hub=hub: turn(hub)
        await hub.close()
    asyncio.get_running_loop().set_default_executor(Inline())
    hub = hub_client(url, lambda: new_client(transport=transport))
    yield "  the same, no thread for parsing", lambda: turn(hub)
    yield "  the same, details of 90 tokens", lambda: turn(hub, details=True)
    yield "  the same, verdict with top tokens", lambda: turn(hub, **VERDICT)


async def drive(call: Call, count: int) -> float:
    """CPU milliseconds per call."""
    numbers = iter(range(count))

    async def caller() -> None:
        for _ in numbers:
            await call()

    began = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(caller())
    return (time.process_time() - began) / count * 1000


async def measure(url: str, *, calls: int, rounds: int) -> dict[str, list[float]]:
    """CPU milliseconds per call of each client, one figure a round, its connections opened before."""
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        async for name, call in clients(url):
            await drive(call, CONCURRENCY * 2)
            figures.setdefault(name, []).append(await drive(call, calls))
    return figures


def main(
    calls: Annotated[int, typer.Option(help="per client and round")] = 2000,
    rounds: int = 5,
    loop: Annotated[str, typer.Option(help="uvloop or asyncio")] = "uvloop",
) -> None:
    """Print the table."""
    command = [sys.executable, "-m", "selfref.bench.stub_tgi"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stub:
        try:
            url = (stub.stdout.readline() if stub.stdout else "").split()[-1]
            figures = (uvloop.run if loop == "uvloop" else asyncio.run)(measure(url, calls=calls, rounds=rounds))
        finally:
            stub.terminate()
    for name, values in figures.items():
        typer.echo(f"{name:36s} median {median(values):.3f}  lowest {min(values):.3f}  highest {max(values):.3f}")


if __name__ == "__main__":
    typer.run(main)
