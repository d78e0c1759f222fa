"""`python -m trainer reward-model`: a reward model of all snapshots, or of the newest ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.command import explained
from trainer.reward.settings import Loss

if TYPE_CHECKING:
    from trainer.runs import Run

EPILOG = "Exit codes: 0 trained, or done before · 2 the command line is wrong, or there is nothing to train on or from"


def reward_model(
    data: Annotated[Path, typer.Option(file_okay=False, help="The trainer's folder, with its snapshots.")],
    base: Annotated[Path, typer.Option(file_okay=False, help="Folder of the causal language model to start from.")],
    last: Annotated[
        int | None, typer.Option(min=1, help="Only so many of the newest snapshots.  [dim]default: all[/dim]")
    ] = None,
    loss: Annotated[Loss, typer.Option(help="What a preference teaches.")] = Loss.SOFT,
    learning_rate: Annotated[float, typer.Option(help="Of AdamW.")] = 1e-5,
    epochs: Annotated[float, typer.Option(help="Times that every pair is seen.")] = 1.0,
    batch: Annotated[int, typer.Option(help="Pairs a step, over all processes.")] = 64,
    micro_batch: Annotated[
        int | None, typer.Option(help="Pairs computed at once by one process.  [dim]default: all of a batch[/dim]")
    ] = None,
    longest: Annotated[int, typer.Option(help="Tokens of a prompt with its answer; longer ones are left out.")] = 1024,
    margin: Annotated[float, typer.Option(help="Margin of a certain verdict, for --loss paper.")] = 1.0,
    language: Annotated[float, typer.Option(help="Weight of language modelling, for --loss paper.")] = 0.01,
    lora_rank: Annotated[int, typer.Option(min=0, help="Train adapters of this rank; 0 trains all weights.")] = 0,
    seed: Annotated[int, typer.Option(help="Draws the new head and the order of the pairs.")] = 1,
) -> None:
    """Train a model that scores answers as the judge prefers them, and report how well it agrees with held-out labels.

    The same snapshots, base and settings are the same run, which is done once and goes on where it was killed. On
    several GPUs: `accelerate launch -m trainer reward-model ...`.
    """
    from trainer.processes import leading
    from trainer.reward.run import reward_model as train_and_report
    from trainer.reward.settings import RewardSettings
    from trainer.snapshots.chain import read_labels, snapshots

    with explained():
        settings = RewardSettings(
            loss=loss,
            margin=margin,
            language=language,
            learning_rate=learning_rate,
            epochs=epochs,
            batch=batch,
            micro_batch=micro_batch or batch,
            longest=longest,
            lora_rank=lora_rank,
            seed=seed,
        )
        chain = snapshots(data)[-(last or 0) :]
        run = train_and_report(
            (label for each in chain for label in read_labels(each.train())),
            (label for each in chain for label in read_labels(each.heldout())),
            base=base,
            settings=settings,
            data=data,
            snapshots=[each.digest for each in chain],
        )
        if leading():
            typer.echo(told(run))


def told(run: "Run") -> str:
    """One line on a finished run."""
    found = run.report()["heldout"]
    if found["accuracy"] is None:
        return f"{run.folder}: nothing held out to measure on"
    agreement = f"agrees with {found['accuracy']:.1%} of {found['decided']} held-out labels"
    ceiling = found["self_agreement"]
    return f"{run.folder}: {agreement}" + (f", the judge with itself {ceiling:.1%}" if ceiling is not None else "")
