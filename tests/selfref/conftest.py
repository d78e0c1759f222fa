"""One local stack on a stub engine for all tests that only use a service, and never stop it."""

from collections.abc import Iterator

import pytest

from selfref.stack.datadir import Running
from tests.stacks import UpProcess
from tests.stub_engine import StubEngine


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Started by `selfref up`; the engine is slow enough for a pair to be caught waiting."""
    folder = tmp_path_factory.mktemp("stack") / "data"
    with (
        StubEngine("--latency-ms", "100") as engine,
        UpProcess(folder, "--port", "0", "--engine-url", engine.url) as up,
    ):
        yield up.ready()
