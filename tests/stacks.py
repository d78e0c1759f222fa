"""Local stacks for tests: `selfref up` as a real process, on a stub engine so that it stands in seconds."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from selfref.stack.datadir import Running

# As a shell starts it in the foreground: a test run in the background has SIGINT ignored, which children inherit.
UP = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from selfref.cli import app; app()"
DEADLINE = 90.0  # seconds; generous, because the machine may be busy


def until(condition: Callable[[], object], *, what: str) -> None:
    """Return once the condition holds; fails after the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE:g} s: {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """True while a process runs; one that has ended and waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def processes() -> dict[int, tuple[int, str]]:
    """Every running process: its parent and its command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if is_alive(int(entry.name)):
                found[int(entry.name)] = (parent, command)
    return found


def children_of(pid: int) -> dict[int, str]:
    """The running children of a process, with their command lines; one that is just being started is none yet."""
    everyone = processes()
    _, own = everyone.get(pid, (0, ""))
    return {
        child: command for child, (parent, command) in everyone.items() if parent == pid and command not in ("", own)
    }


class UpProcess:
    """One run of `selfref up`."""

    def __init__(self, data_dir: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.output = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.out")
        command = [sys.executable, "-c", UP, "up", "--data-dir", str(data_dir), *options]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, "COLUMNS": "200", **(environment or {})}
            )

    def ready(self) -> Running:
        """Wait until it stands; where its parts are."""
        until(lambda: self.process.poll() is not None or "Try it" in self.text(), what=f"stack is up: {self.text()}")
        running = Running.find(self.data_dir)
        assert running is not None, self.text()
        return running

    def parts(self) -> dict[str, int]:
        """The process ids of its running parts by name."""
        named = {}
        for pid, command in children_of(self.process.pid).items():
            found = re.search(r"redis-server|-m (\w+)", command)
            assert found, command
            named[found[1] or "redis"] = pid
        return named

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def text(self) -> str:
        """What it has printed."""
        return self.output.read_text()

    def __enter__(self) -> "UpProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)
