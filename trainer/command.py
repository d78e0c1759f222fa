"""How a command of the trainer ends where it cannot go on."""

from collections.abc import Iterator
from contextlib import contextmanager

from selfref.cli.exit_codes import WRONG_USE
from trainer.errors import TrainingError


@contextmanager
def explained() -> Iterator[None]:
    """Around a command's work: a TrainingError becomes its text on standard error, and exit code 2."""
    try:
        yield
    except TrainingError as error:
        from selfref.cli.terminal import stop

        stop(WRONG_USE, str(error))
