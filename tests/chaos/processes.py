"""One process of the service under test: killed, frozen, stopped and started again, at the same address."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from selfref.stack.child import Child, Command

GRACE = 15.0  # seconds from SIGTERM to SIGKILL
PATIENCE = 60.0  # seconds for a process to be ready
LOOK_AGAIN = 0.02
START_AGAIN = 0.3  # seconds until a process that ended by itself is started again


class NotReady(Exception):
    """A process did not come up; the message has the end of its log."""


class Process:
    """A command that is to run for as long as the schedule lets it.

    Whoever changes its state holds `lock`, so that two faults at the same process follow each other.
    """

    def __init__(
        self,
        command: Command,
        *,
        logs: Path,
        ready: Callable[[Path], Awaitable[bool]],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """`prepare` is called before each start."""
        self.name = command.name
        self.lock = asyncio.Lock()
        self.down = False  # on purpose
        self._command = command
        self._logs = logs
        self._ready = ready
        self._prepare = prepare
        self._starts = 0
        self._child: Child | None = None

    async def start(self) -> None:
        """Start it, with a log of its own for each start."""
        self._starts += 1
        await asyncio.to_thread(self._prepare)
        self._child = await Child.start(self._command, log=self._logs / f"{self.name}.{self._starts}.log")
        self.down = False

    async def ready(self) -> None:
        """Return once it does its work; where it ends before, it is started again, as a supervisor would."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self._ready(self.log):
                    await asyncio.sleep(LOOK_AGAIN)
                    if self.ended is not None:
                        await asyncio.sleep(START_AGAIN)
                        await self.start()
        except TimeoutError:
            raise NotReady(f"{self.name} was not ready in {PATIENCE:g} s:\n{self._running.tail()}") from None

    async def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.down = True
        self._running.kill()
        await asyncio.shield(self._running.end)

    async def stop(self) -> None:
        """SIGTERM, and wait for the end; a frozen process is thawed first."""
        self.down = True
        self.signal(signal.SIGCONT)
        await self._running.stop(grace=GRACE)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is somebody to receive it."""
        if self._running.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._running.pid, number)

    @property
    def log(self) -> Path:
        """What it has printed since its last start."""
        return self._running.log

    @property
    def ended(self) -> int | None:
        """The exit code of a process that ended by itself."""
        return None if self.down else self._running.exit_code

    def tail(self) -> str:
        """The end of its log."""
        return self._running.tail()

    @property
    def _running(self) -> Child:
        assert self._child is not None, f"{self.name} was never started"
        return self._child
