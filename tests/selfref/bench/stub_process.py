"""The stub engine as tests start it: in a process of its own, as benchmarks do."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def stub_tgi(*options: str) -> Iterator[str]:
    """Its URL, until the block ends."""
    command = [sys.executable, "-m", "selfref.bench.stub_tgi", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            assert words[:2] == ["listening", "on"]
            yield words[2]
        finally:
            process.terminate()
            assert process.wait(10) == 0
