"""`python -m trainer rloo`, `grpo` and `dpo`: what else makes a policy better than it was."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.alternatives.settings import Algorithm, DPOSettings, OnlineSettings
from trainer.command import explained, prepare
from trainer.ppo import options as ppo
from trainer.reward import options as reward

if TYPE_CHECKING:
    from trainer.runs import Run

ONLINE_EPILOG = (
    "Exit codes: 0 trained, or done before · 2 the command line is wrong, a model or the prompts cannot be used, or "
    "training diverged"
)
DPO_EPILOG = (
    "Exit codes: 0 trained, or done before · 2 the command line is wrong, there is nothing to train on or from, or "
    "training diverged"
)
_DPO = DPOSettings()
_DEFAULT = OnlineSettings(algorithm=Algorithm.RLOO)

_Data = Annotated[Path, typer.Option(file_okay=False, help="The trainer's folder, which the run is kept in.")]
_RewardModel = Annotated[Path, typer.Option(file_okay=False, help="Folder of the reward model.")]
_Batch = Annotated[int, typer.Option(min=1, help="Prompts an update, over all processes.")]
_Answers = Annotated[int, typer.Option(min=2, help="To each prompt.")]
_MicroBatch = Annotated[
    int | None, typer.Option(min=1, help="Answers computed at once by one process.  [dim]default: all[/dim]")
]
_WarmUp = Annotated[int, typer.Option(min=0, help="Updates in which the rate rises.")]
_Seed = Annotated[int, typer.Option(help="Draws the answers and the order of what is learnt from.")]


def _online(algorithm: Algorithm, about: str) -> Callable[..., None]:
    """The two commands that learn from the same and differ in how; `about` is the help."""

    def train(
        data: _Data,
        policy: ppo.Policy,
        reward_model: _RewardModel,
        prompts: ppo.Prompts,
        updates: ppo.Updates = _DEFAULT.updates,
        batch: _Batch = _DEFAULT.batch,
        answers: _Answers = _DEFAULT.answers,
        micro_batch: _MicroBatch = None,
        epochs: ppo.Epochs = _DEFAULT.epochs,
        answer_tokens: ppo.AnswerTokens = _DEFAULT.answer_tokens,
        missing_eos_penalty: ppo.MissingEosPenalty = _DEFAULT.missing_eos_penalty,
        kl_coef: ppo.KlCoef = _DEFAULT.kl_coef,
        learning_rate: reward.LearningRate = _DEFAULT.learning_rate,
        warm_up: _WarmUp = _DEFAULT.warm_up,
        saved_every: ppo.SavedEvery = _DEFAULT.saved_every,
        seed: _Seed = _DEFAULT.seed,
        threads: ppo.Threads = None,
    ) -> None:
        with explained():
            settings = OnlineSettings(
                algorithm=algorithm,
                updates=updates,
                batch=batch,
                answers=answers,
                micro_batch=micro_batch or batch * answers,
                epochs=epochs,
                answer_tokens=answer_tokens,
                missing_eos_penalty=missing_eos_penalty,
                kl_coef=kl_coef,
                learning_rate=learning_rate,
                warm_up=warm_up,
                saved_every=saved_every,
                seed=seed,
            )
            _train_online(policy, reward_model, prompts, settings, data, threads=threads)

    train.__doc__ = about
    return train


rloo = _online(
    Algorithm.RLOO,
    """Train a policy by RLOO against a reward model: each answer is held against the others to its prompt.

    The same models, prompts and settings are the same run, which is done once and goes on where it was killed.
    """,
)
grpo = _online(
    Algorithm.GRPO,
    """Train a policy by GRPO against a reward model: what counts is how an answer stands among those to its prompt.

    The same models, prompts and settings are the same run, which is done once and goes on where it was killed.
    """,
)


def dpo(
    data: Annotated[Path, typer.Option(file_okay=False, help="The trainer's folder, with its snapshots.")],
    policy: ppo.Policy,
    last: reward.Last = None,
    beta: Annotated[float, typer.Option(help="How dear it is to leave the first policy.")] = _DPO.beta,
    learning_rate: reward.LearningRate = _DPO.learning_rate,
    epochs: reward.Epochs = _DPO.epochs,
    batch: reward.Batch = _DPO.batch,
    micro_batch: reward.MicroBatch = None,
    longest: reward.Longest = _DPO.longest,
    saved_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = _DPO.saved_every,
    seed: _Seed = _DPO.seed,
    threads: ppo.Threads = None,
) -> None:
    """Train a policy by DPO on the labels of all snapshots, or of the newest ones; it needs no reward model.

    The same snapshots, policy and settings are the same run, which is done once and goes on where it was killed.
    """
    with explained():
        settings = DPOSettings(
            beta=beta,
            learning_rate=learning_rate,
            epochs=epochs,
            batch=batch,
            micro_batch=micro_batch or batch,
            longest=longest,
            saved_every=saved_every,
            seed=seed,
        )
        _train_dpo(data, policy, settings, last=last, threads=threads)


def _train_online(
    policy: Path, reward_model: Path, prompts: Path, settings: OnlineSettings, data: Path, *, threads: int | None
) -> None:
    prepare(threads)
    from trainer.alternatives.run import online_policy
    from trainer.ppo.prompts import read_prompts
    from trainer.processes import leading

    run = online_policy(policy, reward_model, read_prompts(prompts), settings, data=data)
    if leading():
        typer.echo(_reward_told(run))


def _train_dpo(data: Path, policy: Path, settings: DPOSettings, *, last: int | None, threads: int | None) -> None:
    prepare(threads)
    from trainer.alternatives.run import dpo_policy
    from trainer.processes import leading
    from trainer.snapshots.chain import heldout_labels, newest, train_labels

    chain = newest(data, last)
    run = dpo_policy(
        train_labels(chain),
        heldout_labels(chain),
        policy=policy,
        settings=settings,
        data=data,
        snapshots=[each.digest for each in chain],
    )
    if leading():
        typer.echo(_agreement_told(run))


def _reward_told(run: "Run") -> str:
    """One line on a finished run."""
    log = run.report()["log"]
    return f"{run.model}: reward {log[0]['reward']:.3f} at first, {log[-1]['reward']:.3f} in the last update"


def _agreement_told(run: "Run") -> str:
    """One line on a finished run."""
    heldout = run.report()["heldout"]
    if not heldout["pairs"]:
        return f"{run.model}: nothing held out to measure on"
    agreement = f"leans towards the better answer in {heldout['rewards/accuracies']:.1%} of"
    return f"{run.model}: {agreement} {heldout['pairs']} held-out pairs"
