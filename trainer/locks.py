"""One process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.errors import TrainingError


@contextmanager
def only_one(lock: Path, *, otherwise: str) -> Iterator[None]:
    """Holds a file's lock, which goes with the process. Raises TrainingError, saying so, where another one has it."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(otherwise) from None
        yield
