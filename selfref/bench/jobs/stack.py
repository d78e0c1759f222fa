"""Parts that are started, measured and killed one by one, all of them with the commands that `selfref up` uses."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from selfref.bench.stack import GRACE, Faults, announced, stub_engine, until
from selfref.stack import parts, probes
from selfref.stack.child import Child, Command
from selfref.stack.parts import StackSettings

_REDIS_READY = b"ready to accept connections"  # printed once the append-only file is loaded
_KEEPER_READY, _KEEPER_ACTIVE = b'"event": "keeping"', b'"event": "active"'


class Bench:
    """An empty folder and whatever is started in it; `standing` is the way in. Starting raises PartFailed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[Child] = []
        self._settings = StackSettings(data_dir=folder, port=0, engine_url="http://127.0.0.1:1")
        self._redis, self.redis_url = parts.redis(self._settings)
        self._workers = 0
        (folder / "redis").mkdir()

    @classmethod
    @asynccontextmanager
    async def standing(cls) -> AsyncIterator["Bench"]:
        """Everything that was started is stopped on the way out, and its data removed."""
        with tempfile.TemporaryDirectory(prefix="selfref-bench-") as folder:
            bench = cls(Path(folder))
            try:
                yield bench
            finally:
                await bench._stop()

    async def redis(self) -> Child:
        """Redis with its append-only file, once it answers; after its death the same one again, with its data."""
        child = await self._start(self._redis)
        await until(child, lambda: _REDIS_READY in child.log.read_bytes())
        return child

    async def gateway(self, told: Mapping[str, str] | None = None) -> tuple[Child, str]:
        """A gateway and its address."""
        child = await self._start(parts.service(self._settings, redis_url=self.redis_url), told)
        return child, await announced(child)

    async def keeper(self, told: Mapping[str, str] | None = None) -> Child:
        """The keeper, once it is active."""
        child = await self._start(parts.keeper(self._settings, redis_url=self.redis_url), told)
        await until(child, lambda: _KEEPER_ACTIVE in child.log.read_bytes())
        return child

    async def standby(self, told: Mapping[str, str] | None = None) -> Child:
        """A second keeper, once it stands by."""
        command = replace(parts.keeper(self._settings, redis_url=self.redis_url), name="standby")
        child = await self._start(command, told)
        await until(child, lambda: _KEEPER_READY in child.log.read_bytes())
        return child

    async def engine(self, *, latency: float = 0.0) -> str:
        """The address of a stub engine that takes `latency` seconds for every text."""
        return await announced(await self._start(stub_engine(latency * 1000, Faults(), seed=0)))

    async def worker(self, engine_url: str, *, concurrency: int, lease: float | None = None) -> Child:
        """One more worker, once it takes pairs."""
        self._workers += 1
        told = {"SELFREF_WORKER_CONCURRENCY": str(concurrency), "SELFREF_WORKER_ENGINE": "tgi"}
        if lease is not None:
            told["SELFREF_WORKER_LEASE"] = str(lease)
        command = parts.worker(self._settings, number=self._workers, redis_url=self.redis_url, engine_url=engine_url)
        child = await self._start(command, told)
        await until(child, partial(probes.is_working, child.log))
        return child

    async def _start(self, command: Command, told: Mapping[str, str] | None = None) -> Child:
        command = replace(command, environment={**command.environment, **(told or {})})
        child = await Child.start(command, log=self.folder / f"{command.name}.log")
        self._children.append(child)
        return child

    async def _stop(self) -> None:
        """Redis last: the others give it back what they hold."""
        kept = [child for child in self._children if child.name == self._redis.name]
        await asyncio.gather(*(child.stop(grace=GRACE) for child in self._children if child not in kept))
        await asyncio.gather(*(child.stop(grace=GRACE) for child in kept))


async def kill(child: Child) -> None:
    """SIGKILL, and the end of it."""
    child.kill()
    await child.end
