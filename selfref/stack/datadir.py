"""The folder that a local stack keeps its data in: who may work there, and what runs there now.

DIR/lock           held by flock(2) for as long as a stack runs; the kernel lets go of it however that ends
DIR/running.json   addresses of the running stack, for the commands that use it: judge, doctor, deadletters, labels
DIR/redis/         the queue, the judgments, and the newest labels and results
DIR/spool/         uploads of jobs
DIR/archive/       labels and results of jobs that Redis no longer holds
DIR/logs/          one log per part, and its predecessor
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from selfref.stack.errors import DataDirInUse


def default_data_dir(environment: Mapping[str, str]) -> Path:
    """One folder per user (XDG base directories), so that a stack finds its data wherever it is started from."""
    base = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "selfref"


class Running(BaseModel):
    """Where the parts of a running stack listen."""

    model_config = ConfigDict(frozen=True)

    pid: int
    service_url: str
    redis_url: str
    engine_urls: tuple[str, ...]  # all with the same judge
    model: str | None
    bundled: bool  # the judge is the one that is installed with this package

    @property
    def engine_url(self) -> str:
        """Any of them."""
        return self.engine_urls[0]

    def write(self, data_dir: Path) -> None:
        """Publish it, whole or not at all."""
        aside = data_dir / "running.json.part"
        aside.write_text(self.model_dump_json(indent=2))
        aside.replace(data_dir / "running.json")

    @classmethod
    def find(cls, data_dir: Path) -> Self | None:
        """The stack that runs in this folder now, or None."""
        try:
            found = cls.model_validate_json((data_dir / "running.json").read_bytes())
        except (OSError, ValidationError):
            return None
        return found if _is_locked(data_dir) else None


@contextmanager
def claimed(data_dir: Path) -> Iterator[Path]:
    """Make the folder (readable by its owner only) and hold it for this process; raises DataDirInUse."""
    for folder in (data_dir, data_dir / "logs", data_dir / "redis"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DataDirInUse(
                f"another stack (process {lock.read().strip() or 'unknown'}) works in {data_dir}",
                advice="Use that one, stop it, or give this one its own folder: --data-dir DIR",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield data_dir
        finally:
            (data_dir / "running.json").unlink(missing_ok=True)


def _is_locked(data_dir: Path) -> bool:
    with (data_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
