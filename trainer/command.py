"""What the trainer's commands have in common: how they begin to compute, and how they end where they cannot go on."""

import os
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


def prepare(threads: int | None = None) -> None:
    """No hub is asked for anything, no bar is drawn, and so many threads compute; call it before importing trainers."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # which is read when the hub's library is imported
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if threads is not None:
        torch.set_num_threads(threads)
