"""Engines and worker processes that end with their test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stub_engine import StubEngine
from tests.worker.processes import StartEngine, StartWorker, Worker


@pytest.fixture
def start_engine() -> Iterator[StartEngine]:
    engines: list[StubEngine] = []

    def start(*options: str) -> StubEngine:
        engines.append(StubEngine(*options))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    workers: list[Worker] = []

    def start(redis_url: str, engine_url: str, **settings: Any) -> Worker:
        workers.append(
            Worker(tmp_path / f"worker-{len(workers)}.log", redis_url=redis_url, engine_url=engine_url, **settings)
        )
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
