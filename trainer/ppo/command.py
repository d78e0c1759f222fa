"""`python -m trainer ppo`: from a reward model and prompts to a better policy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.options import ApiKey, Url
from trainer.command import explained, prepare
from trainer.ppo import options
from trainer.ppo.settings import PPOSettings
from trainer.ppo.watchers import Watchers

if TYPE_CHECKING:
    from rich.progress import Progress

EPILOG = (
    "Exit codes: 0 OUT/policy is the trained policy · 2 the command line is wrong, a model or the prompts cannot be "
    "used, OUT holds another run, training diverged, or the judge cannot be asked"
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
    checked_every: options.CheckedEvery = _DEFAULT.checked_every,
    checks: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="Prompts on which a running service judges the policy against the first one."
        ),
    ] = None,
    kept_pairs: Annotated[
        int, typer.Option(min=0, help="Pairs of each check to keep in OUT, to be judged for another round.")
    ] = 0,
    seed: options.Seed = _DEFAULT.seed,
    threads: options.Threads = None,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Train a policy by PPO against a reward model, and keep it near the policy that it was.

    It goes on where it was killed; a finished run is not made again. OUT/log.jsonl has the metrics of every update.
    With --checks the judge is asked on the way: when it likes the policy less than before and only the reward model
    likes it more, training ends and goes back to where the judge liked it most. OUT/judged.jsonl has what it said.
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
            checked_every=checked_every,
            seed=seed,
        )
        prepare(threads)
        from trainer.ppo.ppo import train_policy
        from trainer.ppo.prompts import read_prompts
        from trainer.reward.scoring import RewardModel

        asked, model = read_prompts(prompts), RewardModel.load(reward_model)
        watchers = Watchers(checks=checks, url=url, api_key=api_key, pairs=kept_pairs)
        with watchers.watching(asked, settings, out) as observe, _progress() as progress:
            outcome = train_policy(policy, model, asked, settings, out, observe=observe, progress=progress)
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
