"""Real worker processes for tests, to be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from tests.stub_engine import StubEngine
from tests.worker.judging import eventually

StartWorker = Callable[..., "Worker"]
StartEngine = Callable[..., StubEngine]

START = 20.0  # seconds for a process to be ready on a busy machine


class Worker:
    """`python -m worker`, with its logs in a file."""

    def __init__(self, logs: Path, *, redis_url: str, engine_url: str, **settings: object) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SELFREF_")}
        environment |= {"SELFREF_REDIS_URL": redis_url, "SELFREF_ENGINE_URL": engine_url}
        environment |= {f"SELFREF_WORKER_{name.upper()}": str(value) for name, value in settings.items()}
        self._metrics_port = settings.get("metrics_port")
        self._logs = logs
        self._output = logs.with_suffix(".out")
        with logs.open("w") as errors, self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker"], env=environment, stdout=output, stderr=errors
            )

    async def ready(self) -> None:
        """Return once it claims."""
        await eventually(lambda: "worker ready" in self._output.read_text(), within=START, what=self.logs)

    @property
    def logs(self) -> str:
        """All that it logged."""
        return self._logs.read_text()

    def events(self) -> list[dict[str, Any]]:
        """All that it logged, parsed."""
        return [json.loads(line) for line in self.logs.splitlines() if line.startswith("{")]

    def metrics(self) -> str:
        """What it tells Prometheus."""
        return httpx2.get(f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=5).text

    async def logged(self, event: str) -> None:
        """Return once it has logged this event."""
        await eventually(lambda: any(each["event"] == event for each in self.events()), within=START, what=self.logs)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ends(self, *, within: float = 10.0) -> int:
        """Its exit code."""
        await eventually(lambda: self.process.poll() is not None, within=within, what=self.logs)
        code = self.process.returncode
        assert isinstance(code, int)
        return code

    async def stop(self) -> float:
        """SIGTERM and a clean end; how many seconds that took."""
        began = time.monotonic()
        self.send(signal.SIGTERM)
        assert await self.ends() == 0, self.logs
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9, at whatever point."""
        self.process.kill()
        self.process.wait()
