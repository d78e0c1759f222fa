"""Reads an upload and prints the most memory that this took, in bytes, whoever allocated it."""

import resource
from pathlib import Path

from service.spool.folder import JobFolder
from tests.service.spool.uploads import validate


def main(path: str) -> None:
    """To be run in a process of its own."""
    validate(JobFolder(Path(path)))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)  # noqa: T201
