"""A real engine over real HTTP, in a thread of the test process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from engine.app import create_app
from engine.settings import Settings

DEADLINE = 60  # seconds; far more than anything here takes


@dataclass(frozen=True)
class Served:
    """A running engine."""

    url: str

    def post(self, path: str, body: Any, **options: Any) -> httpx2.Response:
        with httpx2.Client(base_url=self.url, timeout=DEADLINE, trust_env=False) as client:
            return client.post(path, json=body, **options)

    def get(self, path: str) -> httpx2.Response:
        with httpx2.Client(base_url=self.url, timeout=DEADLINE, trust_env=False) as client:
            return client.get(path)

    def generate(self, inputs: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a native request that must succeed."""
        answer = self.post("/generate", {"inputs": inputs, "parameters": {"details": True, **parameters}})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def metric(self, name: str) -> float:
        """The present value of a metric without labels, or with those written out in `name`."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return 0.0


@contextmanager
def serving(model: Path, **settings: Any) -> Iterator[Served]:
    """An engine on a free port until the block ends."""
    app = create_app(Settings(model=model, port=0, **settings))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(url=f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
        assert not thread.is_alive()


def until(holds: Any) -> None:
    """Wait until a condition holds, or fail after the deadline."""
    last = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < last, "the condition never held"
        threading.Event().wait(0.005)
