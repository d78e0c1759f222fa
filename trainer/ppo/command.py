"""`python -m trainer ppo`: from a reward model and prompts to a better policy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.command import explained
from trainer.ppo.settings import PPOSettings

if TYPE_CHECKING:
    from rich.progress import Progress

EPILOG = (
    "Exit codes: 0 OUT/policy is the trained policy · 2 the command line is wrong, a model or the prompts cannot be "
    "used, OUT holds another run, or training diverged"
)
_DEFAULT = PPOSettings()


def ppo(
    policy: Annotated[Path, typer.Option(file_okay=False, help="Folder of the chat model to train.")],
    reward_model: Annotated[Path, typer.Option(file_okay=False, help="Folder of the reward model.")],
    prompts: Annotated[Path, typer.Option(dir_okay=False, help='JSON lines {"prompt": a text or turns}.')],
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Where policy and log go, and where a killed run goes on.")
    ],
    updates: Annotated[int, typer.Option(min=1)] = _DEFAULT.updates,
    batch: Annotated[int, typer.Option(min=1, help="Prompts an update, with one answer each.")] = _DEFAULT.batch,
    minibatches: Annotated[int, typer.Option(min=1, help="Parts that a batch is learnt in.")] = _DEFAULT.minibatches,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over an update's answers.")] = _DEFAULT.epochs,
    answer_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")] = _DEFAULT.answer_tokens,
    missing_eos_penalty: Annotated[
        float, typer.Option(min=0, help="Taken from the score of an answer that did not end.")
    ] = _DEFAULT.missing_eos_penalty,
    kl_coef: Annotated[float, typer.Option(min=0, help="Cost of a nat away from the first policy.")] = _DEFAULT.kl_coef,
    kl_target: Annotated[
        float | None, typer.Option(help="Nats an answer that --kl-coef is steered to.  [dim]default: it stays[/dim]")
    ] = _DEFAULT.kl_target,
    learning_rate: Annotated[float, typer.Option(help="Of the policy.")] = _DEFAULT.learning_rate,
    critic_learning_rate: Annotated[float, typer.Option()] = _DEFAULT.critic_learning_rate,
    warm_up: Annotated[int, typer.Option(min=0, help="Updates in which both rates rise.")] = _DEFAULT.warm_up,
    saved_every: Annotated[int, typer.Option(min=1, help="Updates between checkpoints.")] = _DEFAULT.saved_every,
    seed: Annotated[int, typer.Option()] = _DEFAULT.seed,
    threads: Annotated[
        int | None, typer.Option(min=1, help="1 repeats a run exactly, and is quickest on a busy machine.")
    ] = None,
) -> None:
    """Train a policy by PPO against a reward model, and keep it near the policy that it was.

    It goes on where it was killed; a finished run is not made again. OUT/log.jsonl has the metrics of every update.
    """
    with explained():
        settings = PPOSettings(
            updates=updates,
            batch=batch,
            minibatches=minibatches,
            epochs=epochs,
            answer_tokens=answer_tokens,
            missing_eos_penalty=missing_eos_penalty,
            kl_coef=kl_coef,
            kl_target=kl_target,
            learning_rate=learning_rate,
            critic_learning_rate=critic_learning_rate,
            warm_up=warm_up,
            saved_every=saved_every,
            seed=seed,
        )
        _train(policy, reward_model, prompts, settings, out, threads=threads)


def _train(
    policy: Path, reward_model: Path, prompts: Path, settings: PPOSettings, out: Path, *, threads: int | None
) -> None:
    import torch
    from transformers.utils import logging

    from trainer.ppo.ppo import train_policy
    from trainer.ppo.prompts import read_prompts
    from trainer.reward.scoring import RewardModel

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if threads is not None:
        torch.set_num_threads(threads)
    asked = read_prompts(prompts)
    with _progress() as progress:
        outcome = train_policy(policy, RewardModel.load(reward_model), asked, settings, out, progress=progress)
    typer.echo(f"{outcome.policy}: {outcome.ending} after update {outcome.update}")


def _progress() -> "Progress":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from selfref.cli.terminal import err

    columns = (TextColumn("ppo"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[score]}"))
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=err, disable=not err.is_terminal)
