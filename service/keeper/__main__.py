"""`python -m service.keeper`: keeps jobs moving, told everything by its environment. Several may run; one is active."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

import structlog

from selfref.metrics_server import metrics_served
from selfref.store import ShardsDiffer, Store
from service.archive import SegmentArchive
from service.errors import ConfigurationError
from service.keeper.keeper import Keeper
from service.keeper.settings import Settings
from service.process import run

log = structlog.get_logger()


def main() -> int:
    """Run until told to stop; the exit code (`service.process.run`)."""
    return run("keeper", "service.keeper", Settings, _serve)


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        archive = SegmentArchive(settings.archive_url)
        store = await Store.open(settings.redis_url, shards=settings.shards, archive=archive)
    except ShardsDiffer as error:
        raise ConfigurationError(error.detail) from error
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    async with AsyncExitStack() as resources:
        resources.push_async_callback(store.aclose)
        try:
            resources.enter_context(metrics_served(settings.metrics_host, settings.metrics_port))
        except OSError as error:
            raise ConfigurationError(f"SELFREF_KEEPER_METRICS_PORT: {error}") from error
        log.info("keeping")
        await Keeper(store, archive, settings).run(stopping)
        log.info("stopped")


if __name__ == "__main__":
    sys.exit(main())
