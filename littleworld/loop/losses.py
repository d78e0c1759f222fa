"""`python -m littleworld.loop.losses --loop loop`: the four losses on the loop's first labels, with several seeds.

It prints a table; its runs lie in the loop's folder, named by what goes into them, so a second call repeats nothing.
"""

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from transformers.utils import logging

from littleworld.loop.agreement import gold_agreement, judged_contests, new_contests
from littleworld.loop.policies import Policy, questions_of
from littleworld.loop.settings import LoopSettings
from littleworld.world.question import Split
from trainer.reward.run import reward_model
from trainer.reward.scoring import RewardModel
from trainer.reward.settings import Loss
from trainer.runs import Run
from trainer.snapshots.chain import Snapshot, read_labels, snapshots

FIGURES = ("labels", "gold", "gold, new contents", "Brier", "ECE", "correlation with strength")
Figures = dict[str, float | None]  # None where there was nothing to measure on


def trained(folder: Path, first: Snapshot, loss: Loss, *, seed: int, settings: LoopSettings) -> Run:
    """The reward model of the loop's first snapshot by one loss."""
    return reward_model(
        read_labels(first.train()),
        read_labels(first.heldout()),
        base=folder / "weak",
        settings=replace(settings.reward, loss=loss, seed=seed),
        data=folder / "losses",
        snapshots=[first.digest],
    )


def compared(folder: Path, seeds: Sequence[int], settings: LoopSettings) -> Iterator[tuple[Loss, list[Figures]]]:
    """Each loss with its figures, seed by seed."""
    first = snapshots(folder / "trainer")[0]
    questions = {each.text: each for each in questions_of(Split.TRAIN, settings.questions, seed=settings.seed)}
    known = judged_contests(read_labels(first.heldout()), questions)
    unknown = new_contests(
        Policy.load(folder / "weak"), questions_of(Split.HELD_OUT, settings.measured, seed=settings.seed)
    )
    found: dict[Loss, list[Figures]] = {loss: [] for loss in Loss}
    work = list(itertools.product(Loss, seeds))
    for loss, seed in track(work, description="reward models", console=Console(stderr=True)):
        run = trained(folder, first, loss, seed=seed, settings=settings)
        model, report = RewardModel.load(run.model), run.report()["heldout"]
        agreements = [gold_agreement(model, contests) for contests in (known, unknown)]
        values = (report["accuracy"], *agreements, report["brier"], report["ece"], report["spearman"])
        found[loss].append(dict(zip(FIGURES, values, strict=True)))
    yield from found.items()


def table(figures: Sequence[tuple[Loss, list[Figures]]]) -> str:
    """Mean over the seeds, with the least and the greatest."""
    head = f"| loss | {' | '.join(FIGURES)} |\n| --- |{' --- |' * len(FIGURES)}"
    rows = [
        f"| `{loss}` | " + " | ".join(_told([each[name] for each in by_seed]) for name in FIGURES) + " |"
        for loss, by_seed in figures
    ]
    return "\n".join([head, *rows])


def _told(found: Sequence[float | None]) -> str:
    values = [each for each in found if each is not None]
    if not values:
        return ""
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def main() -> int:
    """The process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m littleworld.loop.losses", description="Four losses compared.")
    parser.add_argument("--loop", type=Path, default=Path("loop"), help="folder of a loop that has its first labels")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    print(table(list(compared(given.loop, given.seeds, LoopSettings()))))  # noqa: T201 - the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
