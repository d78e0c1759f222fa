"""`python -m littleworld.loop.losses --loop loop`: the four losses on a loop's first labels, with several seeds.

A folder without first labels gets them, from as many `--questions` as are asked for. It prints a table; its runs lie in
the folder, named by what goes into them, so a second call repeats nothing.
"""

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path

from rich.progress import Progress

from littleworld.loop.agreement import Examination, judges_agreement
from littleworld.loop.loop import JUDGE, Loop
from littleworld.loop.own_stack import absolute, with_own_stack
from littleworld.loop.policies import Policy, questions_of
from littleworld.loop.settings import LoopSettings
from littleworld.world.question import Question, Split
from selfref.client import Client
from trainer.reward.run import reward_model
from trainer.reward.settings import Loss
from trainer.runs import Run
from trainer.snapshots.chain import Snapshot, read_labels, snapshots

FIGURES = ("labels", "gold", "gold, new contents", "right above wrong", "Brier", "ECE", "correlation with strength")
Figures = dict[str, float | None]  # None where there was nothing to measure on


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reward models are compared."""

    losses: tuple[Loss, ...] = tuple(Loss)
    seeds: tuple[int, ...] = (1, 2, 3)
    base: Path = JUDGE


def trained(folder: Path, first: Snapshot, loss: Loss, *, base: Path, seed: int, settings: LoopSettings) -> Run:
    """The reward model of the loop's first snapshot by one loss."""
    return reward_model(
        read_labels(first.train()),
        read_labels(first.heldout()),
        base=base,
        settings=replace(settings.reward, loss=loss, seed=seed),
        data=folder / "losses",
        snapshots=[first.digest],
    )


def compared(
    folder: Path, wanted: Wanted, settings: LoopSettings, progress: Progress
) -> Iterator[tuple[Loss, list[Figures]]]:
    """Each loss with its figures, seed by seed."""
    first = snapshots(folder / "trainer")[0]
    unknown = questions_of(Split.HELD_OUT, settings.measured, seed=settings.seed)
    weak = Policy.load(folder / "weak")
    examination = Examination(read_labels(first.heldout()), _questions(settings), weak, unknown)
    found: dict[Loss, list[Figures]] = {loss: [] for loss in wanted.losses}
    work = list(itertools.product(wanted.losses, wanted.seeds))
    for loss, seed in progress.track(work, description="reward models"):
        run = trained(folder, first, loss, base=wanted.base, seed=seed, settings=settings)
        report = run.report()["heldout"]
        values = (*astuple(examination.agreement(run)), report["brier"], report["ece"], report["spearman"])
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


def compare(folder: Path, wanted: Wanted, settings: LoopSettings, client: Client, shown: Progress) -> str:
    """Get the labels that are missing, train, and tell."""
    loop = Loop(folder, settings, client, shown)
    loop.first_labels(loop.weak())
    found = table(list(compared(folder, wanted, settings, shown)))
    heldout = list(read_labels(snapshots(folder / "trainer")[0].heldout()))
    by_judge = judges_agreement(heldout, _questions(settings))
    if by_judge is None:
        return found
    return f"{found}\n\nThe judge orders {by_judge:.3f} of these held-out pairs as gold does, if a tie counts half."


def _questions(settings: LoopSettings) -> dict[str, Question]:
    """Those of the first labels, by their text."""
    asked = questions_of(Split.TRAIN, settings.questions, seed=settings.seed)
    return {each.text: each for each in asked}


def main() -> int:
    """The process; returns its exit code."""
    full, all_of_them = LoopSettings(), Wanted()
    parser = argparse.ArgumentParser(
        prog="python -m littleworld.loop.losses",
        description="Losses compared: by default all four, with three seeds each, beginning with the bundled judge.",
    )
    parser.add_argument("--loop", type=absolute, default="loop", help="folder of a loop's first labels")
    parser.add_argument("--loss", type=Loss, nargs="+", default=all_of_them.losses, choices=list(Loss), help="these")
    parser.add_argument("--seeds", type=int, nargs="+", default=all_of_them.seeds, help="of each loss")
    parser.add_argument("--base", type=absolute, default=JUDGE, help="model that they begin with")
    parser.add_argument("--epochs", type=float, default=full.reward.epochs, help="passes over the labels")
    parser.add_argument("--questions", type=int, default=full.questions, help="the loop's own, where it has labels")
    given = parser.parse_args()
    settings = replace(full, questions=given.questions, reward=replace(full.reward, epochs=given.epochs))
    wanted = Wanted(tuple(given.loss), tuple(given.seeds), given.base)
    print(with_own_stack(given.loop, partial(compare, given.loop, wanted, settings)))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
