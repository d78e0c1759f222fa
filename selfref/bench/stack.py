"""Redis, the stub engine, the gateway and a worker as child processes, with the paths `selfref up` starts them by."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from selfref.bench.cpu import cpu_seconds
from selfref.stack import parts, probes
from selfref.stack.child import Child, Command
from selfref.stack.errors import PartFailed
from selfref.stack.parts import StackSettings, module

GRACE = 15.0  # seconds from SIGTERM to SIGKILL
PATIENCE = 60.0  # seconds for a part to come up
LOOK_AGAIN = 0.02  # seconds between two looks

MEASURED = ("service", "worker", "redis")


@dataclass(frozen=True, slots=True)
class Faults:
    """What the stub engine does wrong, as shares of its calls."""

    errors_503: float = 0.0
    garbage: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """The running parts."""

    service_url: str
    engine_url: str
    processes: dict[str, list[int]]  # process ids by part, of the parts whose cost is measured

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each measured part so far."""
        return {name: sum(map(cpu_seconds, pids)) for name, pids in self.processes.items()}


@asynccontextmanager
async def standing(
    folder: Path, *, workers: int, concurrency: int, latency_ms: float, faults: Faults, seed: int
) -> AsyncIterator[Standing]:
    """Start everything with its data and logs in `folder`, stop it on the way out. Raises PartFailed.

    The workers share `concurrency` evenly.
    """
    async with AsyncExitStack() as children:

        async def start(command: Command) -> Child:
            child = await Child.start(command, log=folder / f"{command.name}.log")
            children.push_async_callback(child.stop, grace=GRACE)
            return child

        stub = await start(stub_engine(latency_ms, faults, seed=seed))
        engine_url = await announced(stub)
        settings = StackSettings(data_dir=folder, port=0, engine_url=engine_url)
        (folder / "redis").mkdir()
        command, redis_url = parts.redis(settings)
        redis = await start(command)
        await until(redis, lambda: (folder / "redis" / "redis.sock").exists())
        service = await start(parts.service(settings, redis_url=redis_url))
        service_url = await announced(service)
        told = {"SELFREF_WORKER_CONCURRENCY": str(concurrency // workers), "SELFREF_WORKER_ENGINE": "tgi"}
        working = []
        for number in range(1, workers + 1):
            command = parts.worker(settings, number=number, redis_url=redis_url, engine_url=engine_url)
            working.append(await start(replace(command, environment={**command.environment, **told})))
        for worker in working:
            await until(worker, functools.partial(probes.is_working, worker.log))
        processes = {"service": [service.pid], "worker": [each.pid for each in working], "redis": [redis.pid]}
        yield Standing(service_url, engine_url, processes)


def stub_engine(latency_ms: float, faults: Faults, *, seed: int) -> Command:
    """The stub in a process of its own, on a free port that it announces."""
    options = {"latency-ms": latency_ms, "errors-503": faults.errors_503, "garbage": faults.garbage, "seed": seed}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return Command("stub", (*module("selfref.bench.stub_tgi"), *arguments))


async def announced(child: Child) -> str:
    """The address of a server, once it has printed it. Raises PartFailed."""
    await until(child, lambda: probes.announced_url(child.log) is not None)
    return probes.announced_url(child.log) or ""


async def until(child: Child, ready: Callable[[], bool]) -> None:
    """Wait for one part. Raises PartFailed where it ends first, or takes too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not ready():
                if child.exit_code is not None:
                    raise _failed(child, f"ended with {child.exit_code}")
                await asyncio.sleep(LOOK_AGAIN)
    except TimeoutError:
        raise _failed(child, f"was not ready in {PATIENCE:.0f} s") from None


def _failed(child: Child, what: str) -> PartFailed:
    return PartFailed(child.name, what, log=child.log, tail=child.tail(), advice="The end of its log says why.")
