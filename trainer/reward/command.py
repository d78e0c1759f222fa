"""`python -m trainer reward-model`: a reward model of all snapshots, or of the newest ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.command import explained, prepare
from trainer.reward import options
from trainer.reward.settings import RewardSettings

if TYPE_CHECKING:
    from trainer.runs import Run

EPILOG = "Exit codes: 0 trained, or done before · 2 the command line is wrong, or there is nothing to train on or from"
_DEFAULT = RewardSettings()


def reward_model(
    data: Annotated[Path, typer.Option(file_okay=False, help="The trainer's folder, with its snapshots.")],
    base: options.Base,
    last: options.Last = None,
    loss: options.Loss = _DEFAULT.loss,
    learning_rate: options.LearningRate = _DEFAULT.learning_rate,
    epochs: options.Epochs = _DEFAULT.epochs,
    batch: options.Batch = _DEFAULT.batch,
    micro_batch: options.MicroBatch = None,
    longest: options.Longest = _DEFAULT.longest,
    margin: options.Margin = _DEFAULT.margin,
    language: options.Language = _DEFAULT.language,
    lora_rank: options.LoraRank = _DEFAULT.lora_rank,
    seed: options.Seed = _DEFAULT.seed,
) -> None:
    """Train a model that scores answers as the judge prefers them, and report how well it agrees with held-out labels.

    The same snapshots, base and settings are the same run, which is done once and goes on where it was killed. On
    several GPUs: `accelerate launch -m trainer reward-model ...`.
    """
    prepare()
    from trainer.processes import leading
    from trainer.reward.run import reward_model as train_and_report
    from trainer.snapshots.chain import heldout_labels, newest, train_labels

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
        chain = newest(data, last)
        run = train_and_report(
            train_labels(chain),
            heldout_labels(chain),
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
