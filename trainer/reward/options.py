"""Options of the commands that train a reward model, named by their parameters and described once."""

from pathlib import Path
from typing import Annotated

import typer

from trainer.reward.settings import Loss as Losses

Base = Annotated[Path, typer.Option(file_okay=False, help="Folder of the causal language model to start from.")]
Last = Annotated[int | None, typer.Option(min=1, help="Only so many of the newest snapshots.  [dim]default: all[/dim]")]
Loss = Annotated[Losses, typer.Option(help="What a preference teaches.")]
LearningRate = Annotated[float, typer.Option(help="Of AdamW.")]
Epochs = Annotated[float, typer.Option(help="Times that every pair is seen.")]
Batch = Annotated[int, typer.Option(help="Pairs a step, over all processes.")]
MicroBatch = Annotated[
    int | None, typer.Option(help="Pairs computed at once by one process.  [dim]default: all of a batch[/dim]")
]
Longest = Annotated[int, typer.Option(help="Tokens of a prompt with its answer; longer ones are left out.")]
Margin = Annotated[float, typer.Option(help="Margin of a certain verdict, for --loss paper.")]
Language = Annotated[float, typer.Option(help="Weight of language modelling, for --loss paper.")]
LoraRank = Annotated[int, typer.Option(min=0, help="Train adapters of this rank; 0 trains all weights.")]
Seed = Annotated[int, typer.Option(help="Draws the new head and the order of the pairs.")]
