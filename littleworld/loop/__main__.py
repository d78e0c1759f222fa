"""`python -m littleworld.loop --out loop`: the closed loop from nothing to its report; goes on where it was stopped."""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from rich.progress import Progress

from littleworld.loop.loop import Loop
from littleworld.loop.own_stack import absolute, with_own_stack
from littleworld.loop.report import write_report
from littleworld.loop.settings import LoopSettings, short
from selfref.client import Client
from trainer.snapshots.chain import snapshots


def run(folder: Path, settings: LoopSettings, client: Client, progress: Progress) -> dict[str, object]:
    """Every stage, then the report."""
    begun = time.monotonic()
    loop = Loop(folder, settings, client, progress)
    weak = loop.weak()
    before = loop.gold_of(weak)
    loop.first_labels(weak)
    first = loop.reward_model(1)
    stages, models = [loop.ppo("ppo", first, settings.ppo, heeded=True)], [first]
    if settings.second_round:
        stages.append(loop.ppo("loose", first, settings.loose, heeded=False))
        loop.second_labels(*stages)
        models.append(loop.reward_model(2))
        stages.append(loop.ppo("again", models[-1], settings.loose, heeded=False))
    return write_report(
        folder,
        before,
        stages,
        agreements=loop.agreements(models, weak),
        pairs=[each.manifest.train.rows for each in snapshots(folder / "trainer")],
        seconds=time.monotonic() - begun,
    )


def main() -> int:
    """The process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m littleworld.loop", description="The closed loop.")
    parser.add_argument("--out", type=absolute, default="loop", help="folder of everything it makes")
    parser.add_argument("--short", action="store_true", help="a few minutes instead of twenty")
    given = parser.parse_args()
    settings = short() if given.short else LoopSettings()
    with_own_stack(given.out, partial(run, given.out, settings))
    print((given.out / "report.md").read_text())  # noqa: T201 - the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
