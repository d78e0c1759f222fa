"""The yardstick: a bare asyncio loop over aiohttp that makes the calls the service made, and does nothing else."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import orjson

_TEXT = "some words of a prompt " * 70  # about as long as the chat with both answers of a pair
_BODIES = {
    "/generate": {
        "inputs": _TEXT,
        "parameters": {"do_sample": False, "max_new_tokens": 512, "return_full_text": False},
    },
    "/chat_tokenize": {"messages": [{"role": "user", "content": _TEXT}]},
    "/tokenize": {"inputs": _TEXT, "parameters": {}},
}


@dataclass(frozen=True, slots=True)
class Bare:
    """What the bare loop cost."""

    calls: int
    wall_seconds: float
    cpu_seconds: float


async def bare_loop(url: str, calls: dict[str, int], *, concurrency: int) -> Bare:
    """Make `calls` (route to number) at the engine, `concurrency` at a time, encoding and decoding JSON."""
    routes = iter([route for route, count in calls.items() if route in _BODIES for _ in range(count)])
    total = sum(count for route, count in calls.items() if route in _BODIES)
    connector = aiohttp.TCPConnector(limit=concurrency)
    began, cpu_began = time.perf_counter(), time.process_time()
    async with aiohttp.ClientSession(url, connector=connector) as session, asyncio.TaskGroup() as callers:
        for _ in range(concurrency):
            callers.create_task(_call(session, routes))
    return Bare(total, time.perf_counter() - began, time.process_time() - cpu_began)


async def _call(session: aiohttp.ClientSession, routes: Iterator[str]) -> None:
    for route in routes:
        body = orjson.dumps(_BODIES[route])
        async with session.post(route, data=body, headers={"content-type": "application/json"}) as answer:
            orjson.loads(await answer.read())
