"""`python -m service.keeper`: keeps jobs moving, told everything by its environment. Several may run; one is active.

Exits 0 after SIGTERM or Ctrl-C, 1 where Redis does not answer at the start, 2 where the settings cannot work.
"""

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from wsgiref.simple_server import WSGIServer

import structlog
import uvloop
from prometheus_client import start_http_server
from pydantic import ValidationError

from selfref.environment import unknown_variables
from selfref.logs import configure_logs
from selfref.store import ShardsDiffer, Store, StoreUnavailable
from service.archive import SegmentArchive
from service.errors import ConfigurationError
from service.keeper.keeper import Keeper
from service.keeper.settings import PREFIX, Settings

log = structlog.get_logger()


def main() -> int:
    """Run until told to stop; the exit code."""
    argparse.ArgumentParser(prog="python -m service.keeper", description=_help()).parse_args()
    configure_logs("keeper")
    if unknown := unknown_variables(PREFIX, Settings):
        log.warning("unknown_settings", settings=unknown, why="misspelt, or of another version; they change nothing")
    try:
        settings = Settings()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            _complain(f"{_variable(str(fault['loc'][0]))}: {fault['msg']}")
        return 2
    except (ConfigurationError, ShardsDiffer) as error:
        _complain(str(error))
        return 2
    except StoreUnavailable as error:
        _complain(f"{error.detail}. SELFREF_REDIS_URL names the Redis to use.")
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        archive = SegmentArchive(settings.archive_url)
        store = await Store.open(settings.redis_url, shards=settings.shards, archive=archive)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    async with AsyncExitStack() as resources:
        resources.push_async_callback(store.aclose)
        if settings.metrics_port:
            resources.callback(_serve_metrics(settings).shutdown)
        log.info("keeping")
        await Keeper(store, archive, settings).run(stopping)
        log.info("stopped")


def _serve_metrics(settings: Settings) -> WSGIServer:
    try:
        server, _ = start_http_server(settings.metrics_port, settings.metrics_host)
    except OSError as error:
        raise ConfigurationError(f"SELFREF_KEEPER_METRICS_PORT: {error}") from error
    return server


def _complain(message: str) -> None:
    sys.stderr.write(f"keeper: {message}\n")


def _variable(name: str) -> str:
    """The environment variable behind a field of the settings, or behind the alias of one."""
    return name if name.startswith("SELFREF_") else f"{PREFIX}{name.upper()}"


def _help() -> str:
    names = (_variable(str(field.validation_alias or name)) for name, field in Settings.model_fields.items())
    return f"Keeps jobs moving. Settings, all from the environment: {', '.join(names)}."


if __name__ == "__main__":
    sys.exit(main())
