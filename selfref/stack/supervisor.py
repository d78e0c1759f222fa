"""The local stack: Redis, engine, gateway, keeper and workers as child processes that stand and fall together.

Started in the order in which they need one another and stopped in the reverse of it. If one part ends while it should
run, the rest is stopped and `PartFailed` names it: a stack that half works would hide the fault. What was accepted is
in Redis's append-only file, so the next start goes on with it.
"""

import asyncio
import functools
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from selfref.embedded_redis import EmbeddedRedisUnavailable, mend_log
from selfref.stack import parts, probes
from selfref.stack.child import Child, Command
from selfref.stack.datadir import Running, claimed
from selfref.stack.errors import PartFailed, PortTaken, StackError
from selfref.stack.parts import StackSettings

GRACE = 15.0  # seconds from SIGTERM to SIGKILL; a worker gives its last results 10 to be stored
LOOK_AGAIN = 0.05  # seconds between two looks at whether a part is ready
REDIS_SECONDS, SERVICE_SECONDS, WORKER_SECONDS = 60.0, 60.0, 120.0  # Redis may have a long append-only file to load
ENGINE_SECONDS = 1800.0  # a large model loads slowly
ELSEWHERE_SECONDS = 5.0  # for an address that was given and should answer already

Report = Callable[[str], None]  # told what is being waited for


class Stack:
    """The children and how to reach them; stands once."""

    def __init__(self, settings: StackSettings, *, report: Report) -> None:
        self._settings = settings
        self._report = report
        self._children: list[Child] = []  # in the order of their start
        self.stopping = False

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[Running]:
        """Start every part, and stop them on the way out whatever happens. Raises `StackError`, which says what to do.

        The folder is claimed first and let go of last, so that a second stack never meets this one's Redis.
        """
        with claimed(self._settings.data_dir):
            try:
                yield await self._start()
            finally:
                await self._stop()

    @property
    def processes(self) -> dict[str, int]:
        """Process ids of the parts that were started here, by name."""
        return {child.name: child.pid for child in self._children}

    async def part_failed(self) -> PartFailed:
        """Wait until a part ends by itself; what to tell the user about it."""
        await asyncio.wait([child.end for child in self._children], return_when=asyncio.FIRST_COMPLETED)
        failure = self._failure()
        assert failure is not None  # noqa: S101 - one of them has just ended
        return failure

    def kill(self) -> None:
        """End every part at once, for a user who does not want to wait; nothing accepted is lost by it."""
        for child in self._children:
            child.kill()

    async def _start(self) -> Running:
        """Returns once the whole accepts and judges pairs."""
        settings = self._settings
        if settings.port and probes.is_taken(settings.host, settings.port):
            raise PortTaken(
                f"port {settings.port} on {settings.host} is taken",
                advice="Choose another with --port, or --port 0 for any free one; `ss -ltnp` shows who has it.",
            )
        redis_url = await self._redis()
        engines = await self._begin_engines()
        service = await self._begin(parts.service(settings, redis_url=redis_url))
        await self._begin(parts.keeper(settings, redis_url=redis_url))
        engine_urls = await self._engines_ready(engines)
        service_url = await self._announced(service, health="/readyz", seconds=SERVICE_SECONDS)
        await self._workers(redis_url=redis_url, engine_urls=engine_urls)
        running = Running(
            pid=os.getpid(),
            service_url=service_url,
            redis_url=redis_url,
            engine_urls=tuple(engine_urls),
            model=None if settings.engine_url else str(settings.model_dir),
            bundled=settings.bundled,
        )
        running.write(settings.data_dir)
        return running

    async def _stop(self) -> None:
        """Stop every part: first who takes work, last who keeps it."""
        self.stopping = True
        for stage in ("worker", "keeper", "service", "engine", "redis"):
            stopping = [child for child in self._children if child.name.startswith(stage) and child.exit_code is None]
            if stopping:
                self._report(f"stopping {', '.join(child.name for child in stopping)}")
            await asyncio.gather(*(child.stop(grace=GRACE) for child in stopping))

    async def _redis(self) -> str:
        given = self._settings.redis_url
        if given is not None:
            self._report("waiting for Redis")
            await self._elsewhere("redis", given, lambda: probes.redis_answers(given), option="--redis-url")
            return given
        command, url = parts.redis(self._settings)
        await self._mend_log()
        child = await self._begin(command)
        await self._until(child, lambda: probes.redis_answers(url), seconds=REDIS_SECONDS)
        return url

    async def _mend_log(self) -> None:
        folder = self._settings.data_dir / "redis"
        try:
            await asyncio.to_thread(mend_log, folder)
        except EmbeddedRedisUnavailable as error:
            advice = f"Keep a copy of {folder}; then remove the file, which loses what waits, or mend it by hand."
            raise StackError(str(error), advice=advice) from error

    async def _begin_engines(self) -> list[Child]:
        if self._settings.engine_url is not None:
            return []
        numbers = range(1, self._settings.engines + 1)
        return [await self._begin(parts.engine(self._settings, number=number)) for number in numbers]

    async def _engines_ready(self, children: list[Child]) -> list[str]:
        """Where the engines are: those started here, or the one elsewhere."""
        if children:
            return [await self._announced(child, health="/health", seconds=ENGINE_SECONDS) for child in children]
        url = (self._settings.engine_url or "").rstrip("/")
        self._report("waiting for the engine")
        await self._elsewhere("engine", url, lambda: probes.is_http(f"{url}/health"), option="--engine-url")
        return [url]

    async def _workers(self, *, redis_url: str, engine_urls: list[str]) -> None:
        """Start workers, who take the engines in turn."""
        numbers = range(1, self._settings.workers + 1)
        commands = [
            parts.worker(self._settings, number=number, redis_url=redis_url, engine_url=engine_url)
            for number, engine_url in zip(numbers, itertools.cycle(engine_urls), strict=False)
        ]
        for child in [await self._begin(command) for command in commands]:
            await self._until(child, functools.partial(_is_working, child), seconds=WORKER_SECONDS)

    async def _begin(self, command: Command) -> Child:
        self._report(f"starting {command.name}")
        child = await Child.start(command, log=self._settings.data_dir / "logs" / f"{command.name}.log")
        self._children.append(child)
        return child

    async def _announced(self, child: Child, *, health: str, seconds: float) -> str:
        """The address that a server announces in its log, once its health check passes."""

        async def healthy() -> bool:
            url = probes.announced_url(child.log)
            return url is not None and await probes.answers(_reachable(url) + health)

        await self._until(child, healthy, seconds=seconds)
        return _reachable(probes.announced_url(child.log) or "")

    async def _until(self, child: Child, ready: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        """Wait for one part, unless any part ends first or the time is over."""
        self._report(f"waiting for {child.name}")
        deadline = asyncio.get_running_loop().time() + seconds
        while not await ready():
            if failure := self._failure():
                raise failure
            if asyncio.get_running_loop().time() > deadline:
                raise _failed(child, f"was not ready after {seconds:g} s")
            await asyncio.sleep(LOOK_AGAIN)

    async def _elsewhere(self, name: str, url: str, ready: Callable[[], Awaitable[bool]], *, option: str) -> None:
        deadline = asyncio.get_running_loop().time() + ELSEWHERE_SECONDS
        while not await ready():
            if asyncio.get_running_loop().time() > deadline:
                advice = f"Start it, correct {option}, or leave {option} out for the bundled one."
                where = _without_password(url)
                raise PartFailed(name, f"at {where} gives no answer", log=None, tail="", advice=advice)
            await asyncio.sleep(LOOK_AGAIN)

    def _failure(self) -> PartFailed | None:
        """The first part that has ended, told as a failure."""
        for child in self._children:
            if child.exit_code is not None:
                return _failed(child, f"ended with {_how(child)}")
        return None


async def _is_working(worker: Child) -> bool:
    return probes.is_working(worker.log)


def _failed(child: Child, what: str) -> PartFailed:
    advice = f"Its whole log is {child.log}; mend what it names, then start again: nothing accepted is lost."
    return PartFailed(child.name, what, log=child.log, tail=child.tail(), advice=advice)


def _how(child: Child) -> str:
    code = child.exit_code or 0
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _reachable(url: str) -> str:
    """An address to connect to: a server that listens everywhere announces one that only means that."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:").rstrip("/")


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url
