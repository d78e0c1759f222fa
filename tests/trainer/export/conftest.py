"""Snapshots that the tests only read."""

from pathlib import Path

import pytest

from tests.trainer.export.orders import snapshots_of, some_labels


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trainer's folder with two snapshots."""
    return snapshots_of(tmp_path_factory.mktemp("data"), some_labels())
