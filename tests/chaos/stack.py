"""The service as its operator would run it, twice of everything, each behind a faulty network; on a stub engine.

The children import a copy of the sources taken at the start, which `breakages` may have changed.
"""

import asyncio
import hashlib
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from selfref.embedded_redis import DURABLE, free_port, mend_log, server_binary
from selfref.stack import probes
from selfref.stack.child import Command
from selfref.stack.parts import module
from tests.chaos.disk import Disk
from tests.chaos.processes import START_AGAIN, Process
from tests.chaos.proxy import FaultProxy
from tests.chaos.redis_log import TailWatch
from tests.chaos.schedule import CLIENTS, GATEWAYS, KEEPERS, LEASE, WORKERS

REPOSITORY = Path(__file__).parents[2]
COPIED = ("selfref", "service", "worker")
KEEPER = (REPOSITORY / "service" / "keeper" / "__main__.py").exists()
WORKER_SETTINGS = {
    "SELFREF_WORKER_ENGINE": "tgi",
    "SELFREF_WORKER_ENGINE_TIMEOUT": "3",
    "SELFREF_WORKER_LEASE": str(LEASE),
    "SELFREF_WORKER_CONCURRENCY": "8",
    "SELFREF_WORKER_MAX_ATTEMPTS": "3",
    "SELFREF_WORKER_CRITIQUE_TOKENS": "32",
    "SELFREF_WORKER_REFERENCE_TOKENS": "32",
}
KEEPER_SETTINGS = {
    "SELFREF_KEEPER_LEASE": str(LEASE),
    "SELFREF_KEEPER_WINDOW_PAIRS": "60",
    "SELFREF_KEEPER_ARCHIVE_AFTER": "1",
    "SELFREF_KEEPER_ARCHIVE_PAIRS": "30",
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who calls, and by which API key."""

    name: str
    key: str


class ChaosStack:
    """Every process and every proxy; `standing` is the way in."""

    def __init__(self, folder: Path, *, source: Path, tenants: list[Tenant], seed: int) -> None:
        self.folder = folder
        self.processes: dict[str, Process] = {}
        self.proxies: dict[str, FaultProxy] = {}
        self.deaths: list[tuple[float, str, int, str]] = []  # time, name, exit code, end of the log
        self.redis_port = free_port()
        self.ports = {name: free_port() for name in GATEWAYS}
        self.engine_port = free_port()
        self._source = source
        self._seed = seed
        self.redis_disk = Disk(folder / "redis")
        self.spool_disk = Disk(folder / "spool")
        self.tail = TailWatch(self.redis_disk.folder / "appendonly.aof")
        self._keys_file = folder / "keys"
        self._keys_file.write_text("".join(f"{each.name} {_sha256(each.key)}\n" for each in tenants))
        for name in ("logs", "archive"):
            (folder / name).mkdir()

    @property
    def gateways(self) -> list[str]:
        """Where callers find the service."""
        return [f"http://127.0.0.1:{port}" for port in self.ports.values()]

    @property
    def redis_url(self) -> str:
        """Redis itself, with no proxy between: for the checker only."""
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def engine_url(self) -> str:
        """The engine; a caller's name follows."""
        return f"http://127.0.0.1:{self.engine_port}"

    @property
    def calls(self) -> Path:
        """The engine's log."""
        return self.folder / "calls.jsonl"

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[None]:
        """Everything up and ready; everything ended on the way out."""
        chores = []
        try:
            for number, name in enumerate(CLIENTS):
                self.proxies[name] = FaultProxy(self.redis_port, seed=self._seed * 100 + number)
                await self.proxies[name].start()
            for process in self._all():
                self.processes[process.name] = process
            await self.start("redis", "engine")
            await self.start(*(name for name in self.processes if name not in ("redis", "engine")))
            chores = [asyncio.create_task(self.tail.run()), asyncio.create_task(self._start_again())]
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            for process in self.processes.values():
                with suppress(AssertionError):
                    await process.kill()
            for proxy in self.proxies.values():
                await proxy.aclose()
            shutil.copytree(self.redis_disk.folder, self.folder / "redis-at-the-end")
            self.redis_disk.unmount()
            self.spool_disk.unmount()

    async def start(self, *names: str) -> None:
        """Start these, all at the same time, and return once they do their work."""
        for name in names:
            await self.processes[name].start()
        await asyncio.gather(*(self.processes[name].ready() for name in names))

    async def _start_again(self) -> None:
        """What ended by itself comes up again, as any supervisor would have it; that it did is remembered."""
        while True:
            await asyncio.sleep(START_AGAIN)
            for process in self.processes.values():
                if process.lock.locked() or (code := process.ended) is None:
                    continue
                self.deaths.append((time.monotonic(), process.name, code, process.tail()))
                await process.start()

    def _all(self) -> Iterator[Process]:
        logs = self.folder / "logs"
        mend = partial(mend_log, self.redis_disk.folder)
        yield Process(self._redis(), logs=logs, ready=self._redis_is_ready, prepare=mend)
        yield Process(self._engine(), logs=logs, ready=self._engine_is_ready)
        for name in GATEWAYS:
            yield Process(self._gateway(name), logs=logs, ready=_announced)
        for name in KEEPERS if KEEPER else ():
            yield Process(self._command(name, "service.keeper", KEEPER_SETTINGS), logs=logs, ready=_keeps)
        for name in WORKERS:
            told = {"SELFREF_ENGINE_URL": f"{self.engine_url}/{name}", **WORKER_SETTINGS}
            yield Process(self._command(name, "worker", told), logs=logs, ready=_works)

    def _redis(self) -> Command:
        options = DURABLE | {
            "bind": "127.0.0.1",
            "port": str(self.redis_port),
            "dir": str(self.redis_disk.folder),
        }
        return Command("redis", (str(server_binary()), *(word for k, v in options.items() for word in (f"--{k}", v))))

    def _engine(self) -> Command:
        told = ("--port", str(self.engine_port), "--log", str(self.calls), "--seed", str(self._seed))
        return Command("engine", (*module("tests.chaos.engine"), *told), self._python_path())

    def _gateway(self, name: str) -> Command:
        told = {"SELFREF_SERVICE_PORT": str(self.ports[name]), "SELFREF_SERVICE_API_KEYS_FILE": str(self._keys_file)}
        return self._command(name, "service", told)

    def _command(self, name: str, package: str, told: dict[str, str]) -> Command:
        shared = {
            "SELFREF_REDIS_URL": self.proxies[name].url,
            "SELFREF_SPOOL_DIR": str(self.spool_disk.folder),
            "SELFREF_ARCHIVE_URL": str(self.folder / "archive"),
        }
        return Command(name, module(package), {**shared, **self._python_path(), **told})

    def _python_path(self) -> dict[str, str]:
        return {"PYTHONPATH": f"{self._source}{os.pathsep}{REPOSITORY}"}

    async def _redis_is_ready(self, _: Path) -> bool:
        return await probes.redis_answers(self.redis_url)

    async def _engine_is_ready(self, _: Path) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.engine_port), timeout=1):
            return True
        return False


def copy_sources(folder: Path) -> Path:
    """What the children import: as it is now, whatever happens to the checkout meanwhile."""
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


async def _announced(log: Path) -> bool:
    return probes.announced_url(log) is not None


async def _works(log: Path) -> bool:
    return probes.is_working(log)


async def _keeps(log: Path) -> bool:
    return b'"event": "keeping"' in await asyncio.to_thread(log.read_bytes)


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
