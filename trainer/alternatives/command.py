"""`python -m trainer rloo`, `grpo` and `dpo`: what else makes a policy better than it was."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.alternatives.settings import Algorithm, DPOSettings, OnlineSettings
from trainer.command import explained

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
_Policy = Annotated[Path, typer.Option(file_okay=False, help="Folder of the chat model to train.")]
_RewardModel = Annotated[Path, typer.Option(file_okay=False, help="Folder of the reward model.")]
_Prompts = Annotated[Path, typer.Option(dir_okay=False, help='JSON lines {"prompt": a text or turns}.')]
_Updates = Annotated[int, typer.Option(min=1)]
_Batch = Annotated[int, typer.Option(min=1, help="Prompts an update, over all processes.")]
_Answers = Annotated[int, typer.Option(min=2, help="To each prompt.")]
_MicroBatch = Annotated[
    int | None, typer.Option(min=1, help="Answers computed at once by one process.  [dim]default: all[/dim]")
]
_Epochs = Annotated[int, typer.Option(min=1, help="Passes over an update's answers.")]
_AnswerTokens = Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")]
_MissingEosPenalty = Annotated[float, typer.Option(min=0, help="Taken from the score of an answer that did not end.")]
_KlCoef = Annotated[float, typer.Option(min=0, help="Cost of a nat away from the first policy.")]
_LearningRate = Annotated[float, typer.Option(help="Of AdamW.")]
_WarmUp = Annotated[int, typer.Option(min=0, help="Updates in which the rate rises.")]
_SavedEvery = Annotated[int, typer.Option(min=1, help="Updates between checkpoints.")]
_Seed = Annotated[int, typer.Option(help="Draws the answers and the order of what is learnt from.")]
_Threads = Annotated[
    int | None, typer.Option(min=1, help="1 repeats a run exactly, and is quickest on a busy machine.")
]


def _online(algorithm: Algorithm, about: str) -> Callable[..., None]:
    """The two commands that learn from the same and differ in how; `about` is the help."""

    def train(
        data: _Data,
        policy: _Policy,
        reward_model: _RewardModel,
        prompts: _Prompts,
        updates: _Updates = _DEFAULT.updates,
        batch: _Batch = _DEFAULT.batch,
        answers: _Answers = _DEFAULT.answers,
        micro_batch: _MicroBatch = None,
        epochs: _Epochs = _DEFAULT.epochs,
        answer_tokens: _AnswerTokens = _DEFAULT.answer_tokens,
        missing_eos_penalty: _MissingEosPenalty = _DEFAULT.missing_eos_penalty,
        kl_coef: _KlCoef = _DEFAULT.kl_coef,
        learning_rate: _LearningRate = _DEFAULT.learning_rate,
        warm_up: _WarmUp = _DEFAULT.warm_up,
        saved_every: _SavedEvery = _DEFAULT.saved_every,
        seed: _Seed = _DEFAULT.seed,
        threads: _Threads = None,
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
    policy: _Policy,
    last: Annotated[
        int | None, typer.Option(min=1, help="Only so many of the newest snapshots.  [dim]default: all[/dim]")
    ] = None,
    beta: Annotated[float, typer.Option(help="How dear it is to leave the first policy.")] = _DPO.beta,
    learning_rate: _LearningRate = _DPO.learning_rate,
    epochs: Annotated[float, typer.Option(help="Times that every pair is seen.")] = _DPO.epochs,
    batch: Annotated[int, typer.Option(help="Pairs a step, over all processes.")] = _DPO.batch,
    micro_batch: Annotated[
        int | None, typer.Option(help="Pairs computed at once by one process.  [dim]default: all of a batch[/dim]")
    ] = None,
    longest: Annotated[
        int, typer.Option(help="Tokens of a prompt with its answer; longer ones are left out.")
    ] = _DPO.longest,
    saved_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = _DPO.saved_every,
    seed: _Seed = _DPO.seed,
    threads: _Threads = None,
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
    _prepare(threads)
    from trainer.alternatives.run import online_policy
    from trainer.ppo.prompts import read_prompts
    from trainer.processes import leading

    run = online_policy(policy, reward_model, read_prompts(prompts), settings, data=data)
    if leading():
        typer.echo(_reward_told(run))


def _train_dpo(data: Path, policy: Path, settings: DPOSettings, *, last: int | None, threads: int | None) -> None:
    _prepare(threads)
    from trainer.alternatives.run import dpo_policy
    from trainer.processes import leading
    from trainer.snapshots.chain import read_labels, snapshots

    chain = snapshots(data)[-(last or 0) :]
    run = dpo_policy(
        (label for each in chain for label in read_labels(each.train())),
        (label for each in chain for label in read_labels(each.heldout())),
        policy=policy,
        settings=settings,
        data=data,
        snapshots=[each.digest for each in chain],
    )
    if leading():
        typer.echo(_agreement_told(run))


def _prepare(threads: int | None) -> None:
    """No hub is asked for anything, and so many threads compute."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # which is read when the hub's library is imported
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if threads is not None:
        torch.set_num_threads(threads)


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
