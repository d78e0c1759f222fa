"""One child process of the stack: started on a leash, logging to a file, stopped politely and then for certain."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

LEASH = Path(__file__).with_name("leash.py")
TAIL_LINES, TAIL_BYTES = 20, 8192


@dataclass(frozen=True)
class Command:
    """What to run: its name in messages and logs, the command line, and what its environment has beyond ours."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A running child; both of its output streams go to `log`, whose previous content is kept beside it as `.1`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process
        self.end = asyncio.create_task(process.wait(), name=f"end of {name}")  # do not cancel: shield it

    @classmethod
    async def start(cls, command: Command, *, log: Path) -> Self:
        """Start it in a session of its own, so that a Ctrl-C in the terminal reaches only the supervisor.

        Must be called in the main thread: the leash is tied to the thread that starts it.
        """
        with _fresh(log) as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command.arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **command.environment},
                start_new_session=True,
            )
        return cls(command.name, process, log)

    @property
    def pid(self) -> int:
        """The process id, which is also its process group's."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.returncode

    async def stop(self, *, grace: float) -> None:
        """SIGTERM, and after `grace` seconds SIGKILL to it and whatever it started. Returns once it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                await asyncio.shield(self.end)
        except TimeoutError:
            self.kill()
            await self.end

    def kill(self) -> None:
        """SIGKILL to the whole group, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def tail(self) -> str:
        """The last lines of its log."""
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])


def _fresh(log: Path) -> BinaryIO:
    """A new log file; the previous run's stays readable beside it."""
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
    return log.open("wb")
