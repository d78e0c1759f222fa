"""One gateway process from start to stop: listen, say so, serve, and on SIGTERM let everybody go and end well."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn

from selfref.store import ShardsDiffer, Store
from service.app import build_app
from service.archive import SegmentArchive
from service.errors import ConfigurationError
from service.gateway import Gateway
from service.keys import Keyring
from service.settings import Settings
from service.spool.folder import Spool
from service.waiting import WaitingRoom

GRACE = 10  # seconds that open requests get to end after SIGTERM; waits end at once, uploads may take some
_BACKLOG = 2048

log = structlog.get_logger()


async def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve until a signal; `announce` is told the address once requests are answered.

    Raises ConfigurationError before anything listens, and StoreUnavailable where Redis does not answer at the start.
    """
    keyring = Keyring.of(settings)
    try:
        archive = SegmentArchive(settings.archive_url)
        store = await Store.open(settings.redis_url, shards=settings.shards, archive=archive)
    except ShardsDiffer as error:
        raise ConfigurationError(error.detail) from error
    except ValueError as error:
        raise ConfigurationError(f"SELFREF_REDIS_URL or SELFREF_ARCHIVE_URL: {error}") from error
    try:
        gateway = Gateway(settings, keyring, store, WaitingRoom(store.judgments), Spool(settings.spool_dir))
        listener = _listen(settings)
        server = _Server(gateway, on_ready=lambda: announce(_address(listener)))
        async with asyncio.TaskGroup() as tasks:  # a fault of the tail reader ends the server too
            tail = tasks.create_task(gateway.waiting.run())
            await server.serve(sockets=[listener])
            tail.cancel()
        log.info("stopped")
    finally:
        await store.aclose()


class _Server(uvicorn.Server):
    """uvicorn, telling when it is ready, draining before it stops, and ending a requested stop with success."""

    def __init__(self, gateway: Gateway, *, on_ready: Callable[[], None]) -> None:
        _forward_warnings()
        super().__init__(
            uvicorn.Config(
                build_app(gateway),
                log_config=None,
                access_log=False,
                ws="none",
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE,
            )
        )
        self._gateway = gateway
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start answering, then say so."""
        await super().startup(sockets=sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let waiting requests go before connections are asked to close."""
        log.info("draining")
        self._gateway.waiting.drain()
        await super().shutdown(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second Ctrl-C does not wait for open requests. The signal is not raised again at the end."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Set SELFREF_SERVICE_HOST and SELFREF_SERVICE_PORT (0: any free port)."
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _forward_warnings() -> None:
    """Send uvicorn's own warnings and tracebacks the way of all logs."""
    logger = logging.getLogger("uvicorn.error")
    logger.handlers = [_ToStructlog(logging.WARNING)]
    logger.propagate = False


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, "server", message=record.getMessage(), exc_info=record.exc_info)
