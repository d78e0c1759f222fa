"""A real keeper within a test's own process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from selfref.store import Store
from service.archive import SegmentArchive
from service.keeper.keeper import Keeper
from service.keeper.settings import Settings


@asynccontextmanager
async def keeping(redis_url: str, folder: Path, **settings: object) -> AsyncIterator[Store]:
    """A keeper at work for as long as the block runs; the block gets a store that also reads the archive."""
    told = Settings(redis_url=redis_url, spool_dir=folder / "spool", archive_url=str(folder / "archive"), **settings)
    archive = SegmentArchive(told.archive_url)
    store = await Store.open(redis_url, archive=archive)
    stopping = asyncio.Event()
    keeper = asyncio.create_task(Keeper(store, archive, told).run(stopping))
    try:
        yield store
    finally:
        stopping.set()
        await keeper
        await store.aclose()
