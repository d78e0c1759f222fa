"""A process that has used so much, and waits."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

_BUSY = """
import time
held = bytes(range(256)) * ({bytes} // 256)
while time.process_time() < {seconds}: pass
print("done", flush=True)
input()
"""


@contextlib.contextmanager
def busy_process(*, seconds: float, megabytes: int) -> Iterator[int]:
    """Its process id, once it has used this much CPU and memory."""
    command = [sys.executable, "-c", _BUSY.format(seconds=seconds, bytes=megabytes * 1_000_000)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        yield process.pid
        process.communicate("\n")
