"""The stub engine's statistics over time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

EVERY = 0.1  # seconds between two samples


@asynccontextmanager
async def sampled(url: str) -> AsyncIterator[list[dict[str, Any]]]:
    """A list that grows by a sample of `/stats` every `EVERY` seconds; after the block, by a last one."""
    samples: list[dict[str, Any]] = []
    async with aiohttp.ClientSession(url) as session:
        taking = asyncio.create_task(_take(session, samples))
        try:
            yield samples
        finally:
            taking.cancel()
        samples.append(await _stats(session))


async def reset_stats(url: str) -> None:
    """Begin to count again."""
    async with aiohttp.ClientSession(url) as session, session.post("/stats") as answer:
        answer.raise_for_status()


async def _take(session: aiohttp.ClientSession, samples: list[dict[str, Any]]) -> None:
    while True:
        samples.append(await _stats(session))
        await asyncio.sleep(EVERY)


async def _stats(session: aiohttp.ClientSession) -> dict[str, Any]:
    async with session.get("/stats") as answer:
        stats: dict[str, Any] = await answer.json()
    return stats
