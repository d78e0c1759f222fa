"""Reference answers, each computed once: within this process, and across all of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from selfref.store.calls import new_call
from selfref.store.errors import StoreUnavailable
from selfref.store.keys import Keys, Shards
from selfref.store.pipeline import Pipeline

LOCK = 6.0  # seconds until the lock of a process that died is free; a living one renews it
POLL = 0.1  # seconds between looks at what another process is computing


class References:
    """A cache with single flight; raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._shards = shards
        self._flights: dict[str, asyncio.Future[str | None]] = {}

    async def get_or_compute(
        self, key: str, compute: Callable[[], Awaitable[str]], *, ttl: float, patience: float
    ) -> tuple[str, bool]:
        """The text of a key, kept for `ttl` seconds, and whether somebody else had computed it.

        Waits up to `patience` seconds for another process that is computing it, then computes it as well. What
        `compute` raises goes to its own caller; the next one in line tries again.
        """
        while (flight := self._flights.get(key)) is not None:
            text = await asyncio.shield(flight)
            if text is not None:
                return text, True
        flight = asyncio.get_running_loop().create_future()
        self._flights[key] = flight
        text = None
        try:
            text, cached = await self._lead(key, compute, ttl=ttl, patience=patience)
            return text, cached
        finally:
            del self._flights[key]
            flight.set_result(text)

    async def _lead(
        self, key: str, compute: Callable[[], Awaitable[str]], *, ttl: float, patience: float
    ) -> tuple[str, bool]:
        keys, call = self._shards.of(key), new_call()
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        while True:
            held, text = await self._hold(keys, key, call=call)
            if text is not None:
                return text, True
            if held or clock() >= deadline:
                break
            await asyncio.sleep(POLL)
        async with self._holding(keys, key, call=call):
            text = await compute()
            await self._pipeline.run(
                "keep_reference",
                keys=[keys.reference(key), keys.reference_lock(key)],
                args=[call, text, round(ttl * 1000)],
            )
        return text, False

    async def _hold(self, keys: Keys, key: str, *, call: str) -> tuple[bool, str | None]:
        held, text = await self._pipeline.run(
            "hold_reference",
            keys=[keys.reference(key), keys.reference_lock(key)],
            args=[call, round(LOCK * 1000)],
        )
        return bool(held), None if text is None else text.decode()

    @contextlib.asynccontextmanager
    async def _holding(self, keys: Keys, key: str, *, call: str) -> AsyncIterator[None]:
        renewing = asyncio.create_task(self._keep_holding(keys, key, call=call))
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(StoreUnavailable):  # then the lock runs out by itself
                await self._pipeline.run("release_lock", keys=[keys.reference_lock(key)], args=[call])

    async def _keep_holding(self, keys: Keys, key: str, *, call: str) -> None:
        while True:
            await asyncio.sleep(LOCK / 3)
            with contextlib.suppress(StoreUnavailable):
                await self._hold(keys, key, call=call)
