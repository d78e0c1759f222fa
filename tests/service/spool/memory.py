"""Reads an upload and prints the most memory that this took, in bytes, whoever allocated it."""

import re
from pathlib import Path

from service.spool.folder import JobFolder
from tests.service.spool.uploads import validate


def main(path: str) -> None:
    """To be run in a process of its own; `getrusage` would begin with the peak of the process that started it."""
    validate(JobFolder(Path(path)))
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    print(int(found.group(1)) * 1024)  # noqa: T201
