"""`log.jsonl`: the metrics of every update, one JSON object a line, each update once however often a run was killed."""

import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from trainer.ppo.errors import OtherRun

NAME = "log.jsonl"


class Log:
    """Lines of updates 1, 2, 3, … in this order."""

    def __init__(self, folder: Path, *, updates: int) -> None:
        """Goes on behind the lines of so many updates; later ones, and what a kill left of a line, are dropped.

        Raises OtherRun where lines are missing.
        """
        self.path = folder / NAME
        lines = self.path.read_bytes().split(b"\n")[:-1] if self.path.exists() else []
        if len(lines) < updates:
            raise OtherRun(f"{self.path} has lost lines: {len(lines)} of {updates}; choose another folder, or empty it")
        self._file = self.path.open("ab")
        self._file.truncate(sum(len(line) + 1 for line in lines[:updates]))

    def append(self, metrics: Mapping[str, float]) -> None:
        """One update's line; readable at once, on disk after `sync`."""
        self._file.write(orjson.dumps(metrics, option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()

    def sync(self) -> None:
        """Every line so far is on disk when this returns."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """After the last line."""
        self.sync()
        self._file.close()


def read_log(folder: Path) -> list[dict[str, float]]:
    """The metrics of all updates whose line is whole."""
    lines = (folder / NAME).read_bytes().split(b"\n")[:-1]
    return [orjson.loads(line) for line in lines]
