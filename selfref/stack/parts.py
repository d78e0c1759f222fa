"""The parts of a local stack as commands: what each is told about the others. No process is started here."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from littleworld import JUDGE
from selfref.embedded_redis import DURABLE, EmbeddedRedisUnavailable, server_binary
from selfref.stack.bundled import BUNDLED_MODEL, revision_of
from selfref.stack.child import Command
from selfref.stack.errors import StackError

LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 108 with the terminator (unix(7)), macOS's 104
BUNDLED_TOKENS = "96"  # of reference and critique: the bundled judge's critiques take about 60


@dataclass(frozen=True)
class StackSettings:
    """What a local stack is made of; an address given here replaces the part that would be started."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080  # 0: any free one
    workers: int = 1
    engines: int = 1  # started where no address of one is given; workers take them in turn
    model: Path | None = None  # a Hugging Face causal-LM folder; None: the bundled judge
    engine_url: str | None = None
    redis_url: str | None = None
    calibration: Path | None = None  # of the judge, for the workers

    @property
    def bundled(self) -> bool:
        """True where the judge is the bundled one, which knows only its little world."""
        return self.engine_url is None and self.model is None

    @property
    def model_dir(self) -> Path:
        """The folder that the bundled engine serves."""
        return self.model or JUDGE


def module(name: str) -> tuple[str, ...]:
    """`python -m name`, found where Python finds this package and never in the folder one happens to stand in."""
    return (sys.executable, "-P", "-m", name)


def redis(settings: StackSettings) -> tuple[Command, str]:
    """The embedded Redis and its URL: a socket that only this user can open, every write logged."""
    folder = settings.data_dir / "redis"
    address = folder / "redis.sock"
    if len(os.fsencode(address)) > LONGEST_SOCKET_PATH:
        advice = "Choose a folder with a shorter path (--data-dir; of `bench agreement` --out)."
        raise StackError(f"the path {address} is too long for a socket", advice=advice)
    options = DURABLE | {"port": "0", "unixsocket": str(address), "unixsocketperm": "700", "dir": str(folder)}
    try:
        binary = server_binary()
    except EmbeddedRedisUnavailable as error:
        raise StackError("there is no Redis to start", advice=str(error)) from error
    arguments = (part for name, value in options.items() for part in (f"--{name}", value))
    return Command("redis", (str(binary), *arguments)), f"unix://{address}?db=0"


def engine(settings: StackSettings, *, number: int) -> Command:
    """A bundled engine, on a free port that it announces."""
    name, arguments = f"engine-{number}", ("--model", str(settings.model_dir), "--host", "127.0.0.1", "--port", "0")
    if not settings.bundled:
        return Command(name, (*module("engine"), *arguments))
    named = {"SELFREF_ENGINE_MODEL_ID": BUNDLED_MODEL, "SELFREF_ENGINE_REVISION": revision_of(settings.model_dir)}
    return Command(name, (*module("engine"), *arguments), named)


def service(settings: StackSettings, *, redis_url: str) -> Command:
    """The gateway."""
    return Command(
        "service",
        module("service"),
        {
            "SELFREF_REDIS_URL": redis_url,
            "SELFREF_SERVICE_HOST": settings.host,
            "SELFREF_SERVICE_PORT": str(settings.port),
            **_files(settings),
        },
    )


def keeper(settings: StackSettings, *, redis_url: str) -> Command:
    """What keeps jobs moving: it reads uploads, feeds them to the workers, and archives what comes of them."""
    return Command("keeper", module("service.keeper"), {"SELFREF_REDIS_URL": redis_url, **_files(settings)})


def worker(settings: StackSettings, *, number: int, redis_url: str, engine_url: str) -> Command:
    """One worker; where the stack also runs the engine, it is told that engine's dialect."""
    environment = {
        "SELFREF_REDIS_URL": redis_url,
        "SELFREF_ENGINE_URL": engine_url,
    }
    if settings.engine_url is None:
        environment["SELFREF_WORKER_ENGINE"] = "tgi"
    if settings.bundled:
        environment["SELFREF_WORKER_REFERENCE_TOKENS"] = BUNDLED_TOKENS
        environment["SELFREF_WORKER_CRITIQUE_TOKENS"] = BUNDLED_TOKENS
    if settings.calibration is not None:
        environment["SELFREF_WORKER_CALIBRATION"] = str(settings.calibration)
    return Command(f"worker-{number}", module("worker"), environment)


def _files(settings: StackSettings) -> dict[str, str]:
    """Where gateway and keeper have uploads and archive."""
    folder = settings.data_dir.absolute()
    return {"SELFREF_SPOOL_DIR": str(folder / "spool"), "SELFREF_ARCHIVE_URL": str(folder / "archive")}
