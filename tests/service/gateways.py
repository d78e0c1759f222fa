"""Real gateway processes, as a user starts them."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START = 30.0  # seconds; generous, because a machine that runs other tests too starts Python slowly


@dataclass
class GatewayProcess:
    """One running `python -m service`."""

    process: subprocess.Popen[str]
    url: str
    log: list[str] = field(default_factory=list)

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


def environment(redis_url: str, folder: Path, **settings: object) -> dict[str, str]:
    """A clean environment with spool and archive in a folder, and `SELFREF_SERVICE_*` settings by their short names."""
    ours = {f"SELFREF_SERVICE_{name.upper()}": str(value) for name, value in settings.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SELFREF_")}
    files = {"SELFREF_SPOOL_DIR": str(folder / "spool"), "SELFREF_ARCHIVE_URL": str(folder / "archive")}
    return {**kept, "SELFREF_REDIS_URL": redis_url, "SELFREF_SERVICE_PORT": "0", **files, **ours}


@contextmanager
def gateway_process(redis_url: str, folder: Path | None = None, **settings: object) -> Iterator[GatewayProcess]:
    """A gateway that answers; terminated, or killed, at the end. Without a `folder` its uploads go with it."""
    with tempfile.TemporaryDirectory(prefix="selfref-") as own:
        told = environment(redis_url, folder or Path(own), **settings)
        with _process(told) as running:
            yield running


@contextmanager
def _process(told: dict[str, str]) -> Iterator[GatewayProcess]:
    process = subprocess.Popen(
        [sys.executable, "-m", "service"],
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    log: list[str] = []
    drain = threading.Thread(target=lambda: log.extend(process.stderr or ()), daemon=True)
    drain.start()
    watchdog = threading.Timer(START, process.kill)
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    try:
        assert line.startswith("listening on "), f"the gateway did not start: {''.join(log)}"
        yield GatewayProcess(process, line.removeprefix("listening on ").strip(), log)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        drain.join(timeout=5)
        process.stdout.close()
        process.stderr.close()
