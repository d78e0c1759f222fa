"""One stack for all tests that only use it: the real engine, and everything else a user's machine runs."""

from collections.abc import Iterator

import pytest

from selfref.stack.datadir import Running
from tests.stacks import UpProcess


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running stack with nothing replaced."""
    with UpProcess(tmp_path_factory.mktemp("stack") / "data", "--port", "0") as up:
        yield up.ready()
