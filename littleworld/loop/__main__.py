"""`python -m littleworld.loop --out loop`: the closed loop from nothing to its report; goes on where it was stopped."""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from transformers.utils import logging

from littleworld.loop.loop import Loop
from littleworld.loop.report import write_report
from littleworld.loop.settings import LoopSettings, short
from selfref.client import Client
from selfref.stack.parts import StackSettings
from selfref.stack.supervisor import Stack
from trainer.snapshots.chain import snapshots


def run(folder: Path, settings: LoopSettings, client: Client, progress: Progress) -> dict[str, object]:
    """Every stage, then the report."""
    begun = time.monotonic()
    loop = Loop(folder, settings, client, progress)
    weak = loop.weak()
    before = loop.gold_of(weak)
    loop.first_labels(weak)
    first = loop.reward_model(1)
    stages, models = [loop.ppo("ppo", first, settings.ppo, loose=False)], [first]
    if settings.second_round:
        stages.append(loop.ppo("loose", first, settings.loose, loose=True))
        loop.second_labels(stages[-1])
        models.append(loop.reward_model(2))
        stages.append(loop.ppo("again", models[-1], settings.loose, loose=True))
    return write_report(
        folder,
        before,
        stages,
        agreements=loop.agreements(models, weak),
        pairs=[each.manifest.train.rows for each in snapshots(folder / "trainer")],
        seconds=time.monotonic() - begun,
    )


async def run_on_own_stack(folder: Path, settings: LoopSettings, progress: Progress) -> None:
    """With a service of its own, whose data is kept in the loop's folder."""
    stack = Stack(StackSettings(data_dir=folder / "service", port=0), report=lambda *told: None)
    async with stack.standing() as running:
        with Client(running.service_url) as client:
            await asyncio.to_thread(run, folder, settings, client, progress)


def _absolute(path: str) -> Path:
    return Path(path).resolve()  # the parts of a stack run in folders of their own


def main() -> int:
    """The process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m littleworld.loop", description="The closed loop.")
    parser.add_argument("--out", type=_absolute, default="loop", help="folder of everything it makes")
    parser.add_argument("--short", action="store_true", help="a few minutes instead of twenty")
    given = parser.parse_args()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)  # the engine has the other core; two threads that wait for one another cost more than one
    os.environ.setdefault("SELFREF_ENGINE_PREFIX_CACHE_MIB", "128")  # a loop's pairs share no long prompts
    given.out.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        asyncio.run(run_on_own_stack(given.out, short() if given.short else LoopSettings(), progress))
    print((given.out / "report.md").read_text())  # noqa: T201 - the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
