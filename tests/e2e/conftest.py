"""One stack for all tests that only use it: the real engine, and everything else a user's machine runs."""

from collections.abc import Iterator

import pytest

from tests.e2e.stacks import StartedStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedStack]:
    """A running stack with nothing replaced."""
    with StartedStack(tmp_path_factory.mktemp("stack") / "data") as started:
        yield started
