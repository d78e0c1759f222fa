"""A service of the loop's own, with the bundled judge, whose data is kept in the loop's folder."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from transformers.utils import logging

from selfref.client import Client
from selfref.stack.parts import StackSettings
from selfref.stack.supervisor import Stack

Found = TypeVar("Found")

ENGINES = 2  # with a worker each; small matrices keep two processes busier than two threads


def with_own_stack(folder: Path, work: Callable[[Client, Progress], Found]) -> Found:
    """What the work comes to, done while the service stands; it shows its progress."""
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    # The loop and its engines wait for one another, so each side has all cores while it works.
    os.environ.setdefault("SELFREF_ENGINE_THREADS", str(max(1, torch.get_num_threads() // ENGINES)))
    os.environ.setdefault("SELFREF_ENGINE_PREFIX_CACHE_MIB", "64")  # a loop's pairs share no long prompts
    folder.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        return asyncio.run(_standing(folder, lambda client: work(client, progress)))


async def _standing(folder: Path, work: Callable[[Client], Found]) -> Found:
    settings = StackSettings(data_dir=folder / "service", port=0, engines=ENGINES, workers=ENGINES)
    stack = Stack(settings, report=lambda *told: None)
    async with stack.standing() as running:
        with Client(running.service_url) as client:
            return await asyncio.to_thread(work, client)


def absolute(path: str) -> Path:
    """For folders that are named on a command line: the parts of a stack run in folders of their own."""
    return Path(path).resolve()
