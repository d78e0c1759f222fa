"""A keeper beside the gateways."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from selfref.store import Store
from tests.service.keeper.keeping import keeping


@pytest.fixture(autouse=True)
def empty_folder(folder: Path) -> None:
    """No test meets another's uploads: a keeper takes up what its Redis does not know."""
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def keeper(redis_url: str, folder: Path) -> AsyncIterator[Store]:
    """A keeper at work; the store of its process, which also reads the archive."""
    async with keeping(redis_url, folder) as store:
        yield store
