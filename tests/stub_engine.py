"""The TGI-shaped stub engine as a process of its own, to be killed and started again."""

import subprocess
import sys
from typing import Any, Self

import httpx2


class StubEngine:
    """The stub TGI server on a port of its own, which it keeps when it is started again."""

    def __init__(self, *options: str, port: int = 0) -> None:
        self._options = options
        self._client = httpx2.Client(timeout=5)
        self._start(port)
        self.port = int(self.url.rsplit(":", 1)[1])

    def _start(self, port: int) -> None:
        command = [sys.executable, "-m", "selfref.bench.stub_tgi", "--port", str(port), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def restart(self) -> None:
        """Come back after `kill`."""
        self._start(self.port)

    def stats(self) -> dict[str, Any]:
        """What the stub has counted since it started or was last reset."""
        return dict(self._client.get(f"{self.url}/stats").json())

    def reset(self) -> None:
        """Count from zero."""
        self._client.post(f"{self.url}/stats")

    @property
    def generated(self) -> int:
        """Calls of /generate."""
        return int(self.stats()["calls"].get("/generate", 0))

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The end, also for the test's own connection to it."""
        self.kill()
        self._client.close()
