"""Real `python -m trainer follow`, told by its environment as in a container."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Self

from tests.stacks import until

QUIET = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "500"}
END = 100.0  # seconds; generous, because the machine may be busy


class Follower:
    """One running process, and its lines so far; killed at the end of the block."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SELFREF_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trainer", "follow"],
            env={**kept, **QUIET, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told: list[str] = []
        self.warned: list[str] = []
        self._drains = [
            threading.Thread(target=_drain, args=drained, daemon=True)
            for drained in ((self.process.stdout, self.told), (self.process.stderr, self.warned))
        ]
        for drain in self._drains:
            drain.start()

    def warns(self, start: str) -> None:
        """Wait for a line that starts so."""
        until(lambda: self._has(start), what=f"a line {start!r}: {self.warned}")

    def killed_after(self, seconds: float) -> bool:
        """Whether it was still there then, and now is no more."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait() == -signal.SIGKILL
        return False

    def ends(self, number: signal.Signals | None = None, *, within: float = END) -> int:
        """The exit code, after a signal or by itself."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(within)
        for drain in self._drains:
            drain.join()
        return code

    def _has(self, start: str) -> bool:
        found = any(line.startswith(start) for line in self.warned)
        return found or self.process.poll() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.ends()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def _drain(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line.rstrip("\n"))  # noqa: PERF401 - seen at once
