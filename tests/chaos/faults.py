"""Carries out a schedule on a running stack, and writes down from when until when each thing was wrong."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from redis import RedisError
from redis.asyncio import Redis

from tests.chaos.history import LOST, Span
from tests.chaos.redis_log import HORIZON
from tests.chaos.schedule import CLIENTS, Event, Kind, NetworkFault
from tests.chaos.stack import ChaosStack

ROOM = 64 * 1024  # bytes that Redis may still take before it is out of memory


class Faults:
    """What is wrong now, and what has been."""

    def __init__(self, stack: ChaosStack) -> None:
        self._stack = stack
        self._engine: defaultdict[str, float] = defaultdict(float)
        self._open: Counter[tuple[Kind, str]] = Counter()  # faults that may overlap: the last to end mends it
        self._unwritten_since: float | None = None  # what Redis holds that its full disk did not take
        self.spans: list[Span] = []
        self.skipped: list[str] = []

    async def carry_out(self, events: Iterable[Event]) -> None:
        """All events at their times; returns when the last is over and everything is up."""
        start = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for event in events:
                tasks.create_task(self._one(event, start=start))
        await asyncio.gather(*(process.ready() for process in self._stack.processes.values()))

    async def _one(self, event: Event, *, start: float) -> None:
        await asyncio.sleep(start + event.at - time.monotonic())
        if event.target not in (*self._stack.processes, "all", "spool"):
            self.skipped.append(f"{event}: there is no such process")
            return
        since = time.monotonic()
        match event.kind:
            case Kind.KILL | Kind.RESTART | Kind.CUT_TAIL:
                await self._down_and_up(event)
            case Kind.FREEZE:
                await self._freeze(event)
            case Kind.DISK_FULL:
                await self._fill(event)
            case Kind.OUT_OF_MEMORY:
                await self._starve(event)
            case Kind.ENGINE:
                await self._spoil_engine(event)
            case Kind.NETWORK:
                await self._spoil_network(event)
        self.spans.append(Span(since=since, until=time.monotonic(), what=event.kind, target=event.target))

    async def _down_and_up(self, event: Event) -> None:
        """kill -9 or SIGTERM, a pause, and up again."""
        process = self._stack.processes[event.target]
        async with process.lock:
            if event.kind is Kind.RESTART:
                await process.stop()
            else:
                await process.kill()
            since = self._lost_since(event)
            await asyncio.sleep(event.seconds)
            await process.start()
            await process.ready()
            if since is not None:
                self.spans.append(Span(since=since, until=time.monotonic(), what=LOST, target=event.target))

    def _lost_since(self, event: Event) -> float | None:
        """Since when what Redis told may be lost now that it is dead; None where it wrote down everything."""
        cut = self._stack.tail.cut(event.amount) if event.kind is Kind.CUT_TAIL else None
        unwritten = self._unwritten_since if event.target == "redis" else None
        return min((since for since in (cut, unwritten) if since is not None), default=None)

    async def _freeze(self, event: Event) -> None:
        process = self._stack.processes[event.target]
        async with process.lock:
            process.signal(signal.SIGSTOP)
            await asyncio.sleep(event.seconds)
            process.signal(signal.SIGCONT)

    async def _fill(self, event: Event) -> None:
        disk = self._stack.redis_disk if event.target == "redis" else self._stack.spool_disk
        if not disk.can_be_full:
            self.skipped.append(f"{event}: no disk to fill ({disk.why_not})")
            return
        async with self._overlapping(event) as first:
            if first:
                disk.fill()
                if event.target == "redis":
                    self._unwritten_since = time.monotonic() - HORIZON
            await asyncio.sleep(event.seconds)
        if not self._open[event.kind, event.target]:
            disk.free()
            if event.target == "redis":
                await asyncio.sleep(HORIZON)  # until it has tried again
                self._unwritten_since = None if not self._open[event.kind, event.target] else self._unwritten_since

    async def _starve(self, event: Event) -> None:
        """maxmemory just above what is used, and lifted again."""
        async with self._overlapping(event), Redis.from_url(self._stack.redis_url) as redis:
            used = (await _insist(redis.info, "memory"))["used_memory"]
            await _insist(redis.config_set, "maxmemory", used + ROOM)
            await asyncio.sleep(event.seconds)
            await _insist(redis.config_set, "maxmemory", 0)

    async def _spoil_engine(self, event: Event) -> None:
        self._engine[event.detail] += event.amount
        await self._tell_engine()
        await asyncio.sleep(event.seconds)
        self._engine[event.detail] -= event.amount
        await self._tell_engine()

    async def _tell_engine(self) -> None:
        """The plan as it is now; an engine that is down hears it when it is back."""
        process = self._stack.processes["engine"]
        async with process.lock, httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            plan = {name: share for name, share in self._engine.items() if share > 0.001}
            await client.post(f"{self._stack.engine_url}/plan", json=plan)

    async def _spoil_network(self, event: Event) -> None:
        fault = NetworkFault(event.detail)
        targets = [name for name in CLIENTS if event.target in (name, "all")]
        for name in targets:
            self._open[event.kind, f"{name} {fault}"] += 1
            self._stack.proxies[name].begin(fault, share=event.amount)
        await asyncio.sleep(event.seconds)
        for name in targets:
            self._open[event.kind, f"{name} {fault}"] -= 1
            if not self._open[event.kind, f"{name} {fault}"]:
                self._stack.proxies[name].end(fault)

    @asynccontextmanager
    async def _overlapping(self, event: Event) -> AsyncIterator[bool]:
        """Yields whether nothing of this kind is wrong with this target yet."""
        key = (event.kind, event.target)
        self._open[key] += 1
        try:
            yield self._open[key] == 1
        finally:
            self._open[key] -= 1


async def _insist(command: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
    """Redis's answer, though it be dead, frozen or loading now."""
    while True:
        try:
            return await command(*arguments)
        except (RedisError, OSError):
            await asyncio.sleep(0.1)
