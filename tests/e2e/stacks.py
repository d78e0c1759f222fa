"""The whole service as a user starts it: `selfref up` in a process of its own, in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from selfref.stack.datadir import Running

START_SECONDS = 90.0


class StartedStack:
    """`selfref up` on a free port, with these options and environment; `running` says where its parts listen."""

    def __init__(self, data_dir: Path, *options: str, **environment: str) -> None:
        self.data_dir = data_dir
        self._log = data_dir.with_suffix(".log")
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "selfref.cli", "up", "--port", "0", "--data-dir", str(data_dir), *options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        self.running = self._until_running()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The gateway."""
        return self.running.service_url

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """kill -9 of the supervisor; its children go with it."""
        self.process.kill()
        self.process.wait(timeout=10)

    def _until_running(self) -> Running:
        deadline = time.monotonic() + START_SECONDS
        while True:
            running = Running.find(self.data_dir) if self.data_dir.exists() else None
            if running is not None and running.pid == self.process.pid:
                return running
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)
