"""`python -m engine --model DIR`: read the settings, load the model, serve until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
import uvloop
from pydantic import ValidationError
from transformers.utils import logging as transformers_logging

from engine.app import create_app
from engine.errors import ModelUnusable
from engine.settings import Settings
from selfref.logs import configure_logs

GRACE = 30  # seconds for texts in flight once the process is told to stop
USAGE_ERROR = 2
CRASHED = 1

log = structlog.get_logger()


class Server(uvicorn.Server):
    """Uvicorn that says on stdout where it listens, and leaves signals to `serve`."""

    async def startup(self, sockets: Any = None) -> None:
        """Print the address once it can be called."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"listening on http://{host}:{port}\n")
            sys.stdout.flush()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not uvicorn's business: it would die of the signal again after a clean stop."""
        yield


async def serve(settings: Settings) -> int:
    """Serve until told to stop; the exit code."""
    loop = asyncio.get_running_loop()
    died = asyncio.Event()

    def tell() -> None:
        loop.call_soon_threadsafe(died.set)

    app = create_app(settings, on_death=tell)
    server = Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE,
        )
    )

    def stop() -> None:
        server.should_exit = True

    async def stop_on_death() -> None:
        await died.wait()
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watcher = asyncio.ensure_future(stop_on_death())
    log.info("engine_starting", model=str(settings.model), device=app.state.info.model_device_type)
    await server.serve()
    watcher.cancel()
    log.info("engine_stopped", crashed=died.is_set())
    return CRASHED if died.is_set() or not server.started else 0


def parse_settings(arguments: list[str]) -> Settings:
    """Settings from flags, and from `SELFREF_ENGINE_*` where there is no flag. Raises pydantic's ValidationError."""
    parser = argparse.ArgumentParser(
        prog="python -m engine", description="A TGI-compatible server for a folder with a Hugging Face model."
    )
    for name, field in Settings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        if field.annotation is bool:
            parser.add_argument(flag, action="store_true", default=None, help=field.description)
        else:
            parser.add_argument(flag, help=field.description)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    return Settings(**given)


def main() -> int:
    """The process; returns its exit code."""
    try:
        settings = parse_settings(sys.argv[1:])
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            sys.stderr.write(f"--{name.replace('_', '-')}: {problem['msg']}\n")
        return USAGE_ERROR
    configure_logs("engine", level=settings.log_level)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(settings))
    except ModelUnusable as error:
        log.error("model_unusable", reason=str(error))
        return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
