"""Options of the commands that train a policy by PPO, named by their parameters and described once."""

from pathlib import Path
from typing import Annotated

import typer

Policy = Annotated[Path, typer.Option(file_okay=False, help="Folder of the chat model to train.")]
Prompts = Annotated[Path, typer.Option(dir_okay=False, help='JSON lines {"prompt": a text or turns}.')]
Updates = Annotated[int, typer.Option(min=1)]
Batch = Annotated[int, typer.Option(min=1, help="Prompts an update, with one answer each.")]
Minibatches = Annotated[int, typer.Option(min=1, help="Parts that a batch is learnt in.")]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over an update's answers.")]
AnswerTokens = Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")]
MissingEosPenalty = Annotated[float, typer.Option(min=0, help="Taken from the score of an answer that did not end.")]
KlCoef = Annotated[float, typer.Option(min=0, help="Cost of a nat away from the first policy.")]
KlTarget = Annotated[
    float | None, typer.Option(help="Nats an answer that this cost is steered to.  [dim]default: it stays[/dim]")
]
LearningRate = Annotated[float, typer.Option(help="Of the policy.")]
CriticLearningRate = Annotated[float, typer.Option()]
WarmUp = Annotated[int, typer.Option(min=0, help="Updates in which both rates rise.")]
SavedEvery = Annotated[int, typer.Option(min=1, help="Updates between checkpoints.")]
CheckedEvery = Annotated[int, typer.Option(min=1, help="Updates between questions to the judge.")]
Seed = Annotated[int, typer.Option()]
Threads = Annotated[int | None, typer.Option(min=1, help="1 repeats a run exactly, and is quickest on a busy machine.")]
