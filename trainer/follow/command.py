"""`python -m trainer follow`: the trainer as a process that nobody has to look after."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.options import ApiKey, Url
from trainer.command import explained, prepare
from trainer.errors import TrainingError
from trainer.ppo import options as ppo
from trainer.ppo.settings import PPOSettings
from trainer.reward import options as reward
from trainer.reward.settings import RewardSettings
from trainer.service import client_of

if TYPE_CHECKING:
    from selfref.client import Client
    from trainer.follow.following import Improvement, Plan

PREFIX = (
    "SELFREF_TRAINER"  # of every option's environment variable, but for those of the client: SELFREF_URL, ..._API_KEY
)
JUDGE = "SELFREF_BUNDLED_JUDGE"  # where an image has a model of its own
EPILOG = (
    "Exit codes: 0 all rounds are done, or told to stop by SIGTERM or Ctrl-C · 2 the command line is wrong, the feed "
    "cannot be read with this key or was trimmed or replaced, or a snapshot, a model or the prompts cannot be used"
)
_REWARD, _PPO = RewardSettings(), PPOSettings()


def follow(
    context: typer.Context,
    data: Annotated[Path, typer.Option(file_okay=False, help="The trainer's folder: snapshots, runs, CURRENT-reward.")],
    base: Annotated[
        Path,
        typer.Option(file_okay=False, envvar=[f"{PREFIX}_BASE", JUDGE], help="Causal language model to start from."),
    ],
    size: Annotated[int, typer.Option(min=1, help="Labels of a snapshot.")] = 1000,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="End once there are so many snapshots.  [dim]default: never[/dim]")
    ] = None,
    heldout_share: Annotated[float, typer.Option(min=0, max=1, help="Share of the prompts never to train on.")] = 0.1,
    keep_ties: Annotated[bool, typer.Option("--keep-ties", help="Keep ties, for a loss on soft labels.")] = False,
    last: reward.Last = None,
    loss: reward.Loss = _REWARD.loss,
    learning_rate: reward.LearningRate = _REWARD.learning_rate,
    epochs: reward.Epochs = _REWARD.epochs,
    batch: reward.Batch = _REWARD.batch,
    micro_batch: reward.MicroBatch = None,
    longest: reward.Longest = _REWARD.longest,
    margin: reward.Margin = _REWARD.margin,
    language: reward.Language = _REWARD.language,
    lora_rank: reward.LoraRank = _REWARD.lora_rank,
    seed: reward.Seed = _REWARD.seed,
    policy: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder of a chat model to train by PPO.")
    ] = None,
    prompts: Annotated[Path | None, typer.Option(dir_okay=False, help="Its prompts, as of `ppo`.")] = None,
    ppo_updates: ppo.Updates = _PPO.updates,
    ppo_batch: ppo.Batch = _PPO.batch,
    ppo_minibatches: ppo.Minibatches = _PPO.minibatches,
    ppo_epochs: ppo.Epochs = _PPO.epochs,
    ppo_answer_tokens: ppo.AnswerTokens = _PPO.answer_tokens,
    ppo_missing_eos_penalty: ppo.MissingEosPenalty = _PPO.missing_eos_penalty,
    ppo_kl_coef: ppo.KlCoef = _PPO.kl_coef,
    ppo_kl_target: ppo.KlTarget = _PPO.kl_target,
    ppo_learning_rate: ppo.LearningRate = _PPO.learning_rate,
    ppo_critic_learning_rate: ppo.CriticLearningRate = _PPO.critic_learning_rate,
    ppo_warm_up: ppo.WarmUp = _PPO.warm_up,
    ppo_saved_every: ppo.SavedEvery = _PPO.saved_every,
    ppo_seed: ppo.Seed = _PPO.seed,
    threads: ppo.Threads = None,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Follow the label feed: wait for labels, take a snapshot, train on it, and so on.

    Every snapshot gets a reward model of all snapshots so far and, with --policy and --prompts, a policy that PPO
    trains against it. It may be killed at any moment and started again. CURRENT-reward and CURRENT-policy name the
    newest finished runs. One process; it serves nothing.
    """
    from trainer.follow.stopping import end_when_told

    end_when_told()
    _warn_of_unknown_variables(context)
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
        ppo_settings = PPOSettings(
            updates=ppo_updates,
            batch=ppo_batch,
            minibatches=ppo_minibatches,
            epochs=ppo_epochs,
            answer_tokens=ppo_answer_tokens,
            missing_eos_penalty=ppo_missing_eos_penalty,
            kl_coef=ppo_kl_coef,
            kl_target=ppo_kl_target,
            learning_rate=ppo_learning_rate,
            critic_learning_rate=ppo_critic_learning_rate,
            warm_up=ppo_warm_up,
            saved_every=ppo_saved_every,
            seed=ppo_seed,
        )
        if (policy is None) is not (prompts is None):
            raise TrainingError("PPO needs both: --policy, the folder of a chat model, and --prompts, a file")
        with client_of(url, api_key, retries=0) as client:  # whoever follows tries again, and says so
            prepare(threads)
            from trainer.follow.following import Plan
            from trainer.snapshots.contents import Rules

            plan = Plan(
                size=size,
                rules=Rules(heldout_share=heldout_share, keep_ties=keep_ties),
                base=base,
                settings=settings,
                last=last,
                improvement=_improvement(policy, prompts, ppo_settings),
                rounds=rounds,
            )
            _follow(data, client, plan)


def _follow(data: Path, client: "Client", plan: "Plan") -> None:
    from trainer.follow.following import follow as followed
    from trainer.follow.patience import PatientFeed

    try:
        followed(data, PatientFeed(client, warn=_warn), plan, tell=typer.echo, warn=_warn)
    except OSError as error:
        raise TrainingError(f"{data} could not be read or written: {error}") from error


def _improvement(policy: Path | None, prompts: Path | None, settings: PPOSettings) -> "Improvement | None":
    from trainer.follow.following import Improvement
    from trainer.ppo.prompts import read_prompts

    if policy is None or prompts is None:
        return None
    return Improvement(policy=policy, prompts=read_prompts(prompts), settings=settings)


def _warn_of_unknown_variables(context: typer.Context) -> None:
    """A misspelt setting of a container would otherwise be none, silently."""
    known = {f"{PREFIX}_{parameter.name}".upper() for parameter in context.command.params}
    for name in sorted(os.environ):
        if name.startswith(f"{PREFIX}_") and name not in known:
            _warn(f"{name} is no setting: misspelt, or of another version; it changes nothing")


def _warn(line: str) -> None:
    typer.echo(line, err=True)
