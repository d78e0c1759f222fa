"""What has been paid for, on disk: how every pair ended in every arm, so that a run that was killed asks for the rest.

The file's first line names the run, `{"agreement": 1, "run": ID}`; each further one is
`{"key", "arm", "id", "judgment": {…} or null, "failure": CODE or null}`. A line is synced before its pair counts as
ended. What was asked and not written down when a run died is asked again under the same Idempotency-Key, which the
service knows: it answers what it has, and makes nothing twice. Another file is another run, with new judgments.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from selfref.bench.agreement.cases import Case, key_of
from selfref.durable import sync_folder
from selfref.messages import Judgment

_HEAD = b'{"agreement":'


class UnusableLedger(Exception):
    """The file is another run's while it is written, or holds something else; says what to do."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a pair ended in an arm: by a judgment, or by a failure's code."""

    judgment: Judgment | None = None
    failure: str | None = None
    lasting: bool = True  # False: nothing was paid for it, so the next start may ask again


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    agreement: int
    run: str


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    judgment: Judgment | None
    failure: str | None


class Ledger:
    """The endings of one run by their keys; `file` is where new ones are written, None to keep them in memory only."""

    def __init__(self, run: str, *, endings: dict[str, Ending] | None = None, file: BinaryIO | None = None) -> None:
        self._run = run
        self._endings = endings or {}
        self._file = file

    @classmethod
    def in_memory(cls) -> "Ledger":
        """A run that cannot be gone on with."""
        return cls(uuid.uuid4().hex)

    def key(self, case: Case, arm: str) -> str:
        """The Idempotency-Key to ask under."""
        return key_of(case, arm, run=self._run)

    def ending(self, key: str) -> Ending | None:
        """How this pair ended in an earlier start of the run; None: it is to be asked about."""
        return self._endings.get(key)

    def keep(self, key: str, ending: Ending, *, arm: str, case: Case) -> None:
        """Remember an ending; it is on disk when this returns. Raises OSError."""
        self._endings[key] = ending
        if self._file is not None:
            judgment = ending.judgment and ending.judgment.model_dump(mode="json")
            _append(
                self._file, {"key": key, "arm": arm, "id": case.id, "judgment": judgment, "failure": ending.failure}
            )


@contextmanager
def ledger_at(path: Path) -> Iterator[Ledger]:
    """The run whose file this is, or a new one; raises UnusableLedger, and OSError where it cannot be written."""
    with path.open("ab+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnusableLedger(f"{path} is being written by another run; wait, or name another --out") from None
        file.seek(0)
        found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if not lines and found[: len(_HEAD)] != _HEAD[: len(found)]:
            raise _not_ours(path)
        run = _run_of(lines[0], path) if lines else uuid.uuid4().hex
        endings = _endings(lines[1:], path)
        file.truncate(len(whole))  # a line that a killed run did not finish
        if not lines:
            _append(file, {"agreement": 1, "run": run})
            sync_folder(path.parent)
        yield Ledger(run, endings=endings, file=file)


def _append(file: BinaryIO, content: dict[str, Any]) -> None:
    file.write(orjson.dumps(content) + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _not_ours(path: Path) -> UnusableLedger:
    return UnusableLedger(f"{path} holds no results of this benchmark; name another --out")


def _run_of(line: bytes, path: Path) -> str:
    try:
        head = _Head.model_validate_json(line)
    except ValidationError:
        raise _not_ours(path) from None
    if head.agreement != 1:
        raise UnusableLedger(f"{path} was written by a newer version of this benchmark; name another --out")
    return head.run


def _endings(lines: list[bytes], path: Path) -> dict[str, Ending]:
    found = {}
    for number, text in enumerate(lines, start=2):
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            raise UnusableLedger(
                f"{path} line {number} is no result: {error.errors()[0]['msg']}; remove the line to ask again"
            ) from None
        found[line.key] = Ending(line.judgment, line.failure)
    return found
