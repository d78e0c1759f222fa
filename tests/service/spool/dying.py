"""Reads the upload at the path given, in a child for each step of the disk, which dies before that step.

After each death the upload is read again to the end, and what is published must be what it would have been. Prints how
many deaths there were. Nothing of the program is replaced: Python itself says when a file is touched.
"""

import os
import sys
from pathlib import Path
from typing import Any

from service.spool.folder import JobFolder
from tests.service.spool.uploads import validate

PUBLISHED = ("pairs.bin", "twins.bin", "refused.jsonl", "validation.json")
STEPS = frozenset({"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree"})
DIED = 99


def _dies_before(step: int) -> None:
    steps = 0

    def audit(event: str, _: tuple[Any, ...]) -> None:
        nonlocal steps
        steps += event in STEPS
        if steps > step:
            os._exit(DIED)

    sys.addaudithook(audit)


def _read_and_die(folder: JobFolder, step: int) -> bool:
    child = os.fork()
    if not child:
        _dies_before(step)
        validate(folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DIED


def _main(folder: JobFolder) -> None:
    validate(folder)
    expected = {name: (folder.path / name).read_bytes() for name in PUBLISHED}
    deaths = 0
    while True:
        for name in PUBLISHED:
            (folder.path / name).unlink()
        if not _read_and_die(folder, deaths):
            break
        deaths += 1
        if folder.validated() is not None:  # what is said to be whole is whole
            assert {name: (folder.path / name).read_bytes() for name in PUBLISHED} == expected
        validate(folder)
        assert {name: (folder.path / name).read_bytes() for name in PUBLISHED} == expected
        assert {path.name for path in folder.path.iterdir()} == {"job.json", "upload.jsonl", *PUBLISHED}
    print(deaths)  # noqa: T201


_main(JobFolder(Path(sys.argv[1])))
