"""`python -m trainer ppo`: from a reward model and prompts to a better policy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.command import explained
from trainer.ppo import options
from trainer.ppo.settings import PPOSettings

if TYPE_CHECKING:
    from rich.progress import Progress

EPILOG = (
    "Exit codes: 0 OUT/policy is the trained policy · 2 the command line is wrong, a model or the prompts cannot be "
    "used, OUT holds another run, or training diverged"
)
_DEFAULT = PPOSettings()


def ppo(
    policy: options.Policy,
    reward_model: Annotated[Path, typer.Option(file_okay=False, help="Folder of the reward model.")],
    prompts: options.Prompts,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Where policy and log go, and where a killed run goes on.")
    ],
    updates: options.Updates = _DEFAULT.updates,
    batch: options.Batch = _DEFAULT.batch,
    minibatches: options.Minibatches = _DEFAULT.minibatches,
    epochs: options.Epochs = _DEFAULT.epochs,
    answer_tokens: options.AnswerTokens = _DEFAULT.answer_tokens,
    missing_eos_penalty: options.MissingEosPenalty = _DEFAULT.missing_eos_penalty,
    kl_coef: options.KlCoef = _DEFAULT.kl_coef,
    kl_target: options.KlTarget = _DEFAULT.kl_target,
    learning_rate: options.LearningRate = _DEFAULT.learning_rate,
    critic_learning_rate: options.CriticLearningRate = _DEFAULT.critic_learning_rate,
    warm_up: options.WarmUp = _DEFAULT.warm_up,
    saved_every: options.SavedEvery = _DEFAULT.saved_every,
    seed: options.Seed = _DEFAULT.seed,
    threads: options.Threads = None,
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
    typer.echo(told(outcome.policy, outcome.ending, outcome.update))


def told(policy: Path, ending: str, update: int) -> str:
    """One line on a finished run."""
    return f"{policy}: {ending} after update {update}"


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
