"""Proximal policy optimisation of a language model against a reward model, arXiv 1707.06347 and 1909.08593.

An update samples one answer to each of the next prompts, scores it, spreads score and KL over its tokens, and takes a
few clipped steps of policy and critic. One process on one device: past that, export the labels to an engine.

    OUT/log.jsonl            metrics of every update
    OUT/checkpoint-000040/   where a killed run goes on, exactly
    OUT/policy/              the better policy, at the end; ppo.json in it says how it came about
"""

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from selfref.exports.preferences import Turn
from trainer.errors import Diverged
from trainer.ppo import checkpoint
from trainer.ppo.advantages import explained_variance, gae, kl_k1, kl_k3, steered, token_rewards, whitened
from trainer.ppo.critic import Critic, values_of
from trainer.ppo.errors import OtherRun
from trainer.ppo.learner import Learner, frozen_copy, load_policy, longest_sequence
from trainer.ppo.log import Log
from trainer.ppo.losses import masked_mean, policy_loss, value_loss
from trainer.ppo.observer import Action, Observer, State
from trainer.ppo.order import prompts_of_update, seed_of_update
from trainer.ppo.prompts import prompts_as_tokens
from trainer.ppo.rollout import Rollout, log_probs, log_probs_of, sample
from trainer.ppo.settings import PPOSettings
from trainer.reward.scoring import RewardModel
from trainer.tokens import Tokens

POLICY = "policy"
RECORD = "ppo.json"
Metrics = dict[str, float]


class Ending(StrEnum):
    """Why a run made no further update."""

    DONE = "done"  # it made all of them
    STOPPED = "stopped"  # an observer wanted no more
    ROLLED_BACK = "rolled_back"  # an observer wanted the weights that it had kept


@dataclass(frozen=True, slots=True)
class PPOOutcome:
    """A finished run."""

    policy: Path  # folder of the model and its tokenizer, float32
    update: int  # that its weights are of; 0 are those it began with
    ending: Ending


@dataclass(frozen=True, slots=True)
class Experience:
    """An update's answers with what they teach; (n, T) each."""

    rollout: Rollout
    values: Tensor  # of the critic before the update
    advantages: Tensor  # whitened
    returns: Tensor  # advantages before whitening, and values


def train_policy(
    policy_folder: Path,
    reward_model: RewardModel,
    prompts: Sequence[list[Turn]],
    settings: PPOSettings,
    out: Path,
    *,
    observe: Observer | None = None,
    progress: Progress | None = None,
) -> PPOOutcome:
    """Train, and write the policy to `out`. A run that was killed goes on; one that is finished is not made again.

    Raises ModelUnusable, PromptsUnusable, OtherRun and Diverged.
    """
    policy = load_policy(policy_folder, reward_model)
    longest = longest_sequence(policy, reward_model.network)
    asked = prompts_as_tokens(prompts, reward_model.tokens, answer_tokens=settings.answer_tokens, longest=longest)
    run = _identity(policy, reward_model, asked, settings)
    out.mkdir(parents=True, exist_ok=True)
    if (found := _finished(out, run)) is not None:
        checkpoint.clear(out)
        return found
    reference_policy = frozen_copy(policy)
    learner = Learner(policy, Critic(reward_model), settings)
    if (kept := checkpoint.newest(out, run)) is not None:
        learner.load_state_dict(kept)
    with closing(Log(out, updates=learner.update)) as log:
        teacher = _Teacher(reward_model, reference_policy, asked, settings)
        ending = _train(learner, teacher, log, out, run=run, observe=observe, progress=progress)
    outcome = PPOOutcome(policy=out / POLICY, update=learner.update, ending=ending)
    checkpoint.publish(outcome.policy, lambda folder: _save(policy, reward_model.tokens, outcome, run, folder=folder))
    checkpoint.clear(out)
    return outcome


@dataclass(frozen=True, slots=True)
class _Teacher:
    """What training does not change."""

    reward_model: RewardModel
    reference_policy: Any
    asked: list[list[int]]  # prompts, as tokens
    settings: PPOSettings


def _train(
    learner: Learner,
    teacher: _Teacher,
    log: Log,
    out: Path,
    *,
    run: Mapping[str, Any],
    observe: Observer | None,
    progress: Progress | None,
) -> Ending:
    """Updates until there are enough or the observer ends it."""
    settings = teacher.settings
    shown = progress or Progress(disable=True)
    bar = shown.add_task("ppo", total=settings.updates, completed=learner.update, score="")
    while learner.update < settings.updates:
        metrics = _update(learner, teacher)
        log.append(metrics)
        shown.update(bar, completed=learner.update, score=f"score {metrics['score']:.3f}, KL {metrics['kl']:.2f}")
        checked = learner.update % settings.checked_every == 0
        state = State(learner.policy, teacher.reference_policy, teacher.reward_model.tokens, metrics)
        action = observe(learner.update, state) if checked and observe else Action.CONTINUE
        if action is Action.STOP:
            return Ending.STOPPED
        if action is Action.ROLL_BACK:
            _roll_back(learner, teacher, out, run=run)
            return Ending.ROLLED_BACK
        if action is Action.KEEP:
            learner.kept = learner.update
        if checked or learner.update % settings.saved_every == 0:
            log.sync()
            checkpoint.save(out, learner.state_dict(), run=run, update=learner.update, keep=learner.kept)
    return Ending.DONE


def _roll_back(learner: Learner, teacher: _Teacher, out: Path, *, run: Mapping[str, Any]) -> None:
    """To the weights that the observer wanted kept, or else those that training began with."""
    if learner.kept:
        learner.load_state_dict(checkpoint.load(out, learner.kept, run=run))
    else:
        learner.policy.load_state_dict(teacher.reference_policy.state_dict())
        learner.update = 0


def _update(learner: Learner, teacher: _Teacher) -> Metrics:
    """One update; all that it draws comes from its own seed, so it is the same after a restart."""
    begun = time.monotonic()
    settings, number = teacher.settings, learner.update + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of_update(number, seed=settings.seed))
        experience, seen = _experience(learner, teacher, number)
        learnt = _learn(learner, experience, settings, number)
    metrics = {"update": number, **seen, **learnt, "kl_coef": learner.kl_coef, "seconds": time.monotonic() - begun}
    if settings.kl_target is not None:
        learner.kl_coef = steered(learner.kl_coef, kl=seen["kl"], target=settings.kl_target)
    learner.update = number
    return metrics


def _experience(learner: Learner, teacher: _Teacher, number: int) -> tuple[Experience, Metrics]:
    """Sample, score and weigh; the metrics are those of the policy before the update."""
    settings, reward_model = teacher.settings, teacher.reward_model
    taken = prompts_of_update(number, batch=settings.batch, prompts=len(teacher.asked), seed=settings.seed)
    prompts = [teacher.asked[index] for index in taken]
    rollout = sample(learner.policy, prompts, reward_model.tokens, answer_tokens=settings.answer_tokens)
    mask = rollout.answer_mask
    reference = log_probs_of(teacher.reference_policy, rollout)
    kl = kl_k1(rollout.log_probs, reference, mask)
    scores = reward_model.score(rollout.sequences()).to(kl.device)
    charged = scores - settings.missing_eos_penalty * (~rollout.ended).float()
    rewards = token_rewards(charged, kl, mask, kl_coef=learner.kl_coef)
    values = values_of(learner.critic, rollout)
    advantages = gae(rewards, values, mask, gamma=settings.gamma, lam=settings.lam)
    returns = advantages + values
    experience = Experience(rollout, values=values, advantages=whitened(advantages, mask), returns=returns)
    return experience, {
        "score": scores.mean().item(),  # normalised, before the penalty for answers that did not end
        "kl": kl.sum(dim=1).mean().item(),  # nats an answer
        "kl_k3": kl_k3(rollout.log_probs, reference, mask).sum(dim=1).mean().item(),
        "entropy": masked_mean(rollout.entropy, mask).item(),  # nats a token
        "length": mask.sum(dim=1).float().mean().item(),  # tokens, end-of-text included
        "ended": rollout.ended.float().mean().item(),
        "distinct": len(set(map(tuple, rollout.answers()))) / settings.batch,
        "explained_variance": explained_variance(values, returns, mask),
    }


def _learn(learner: Learner, experience: Experience, settings: PPOSettings, number: int) -> Metrics:
    """The clipped steps; the metrics are means over them. Raises Diverged."""
    rates = {"policy_lr": settings.learning_rate, "critic_lr": settings.critic_learning_rate}
    rates = {name: rate * settings.rate(number) for name, rate in rates.items()}
    steps: list[Metrics] = []
    for _ in range(settings.epochs):
        for rows in torch.randperm(settings.batch).chunk(settings.minibatches):
            policy_step = _policy_step(learner, experience, rows, settings, rate=rates["policy_lr"])
            critic_step = _critic_step(learner, experience, rows, settings, rate=rates["critic_lr"])
            steps.append({**policy_step, **critic_step})
            if not all(map(math.isfinite, steps[-1].values())):
                raise Diverged(f"update {number} has no finite gradient; lower the learning rates, or raise kl_coef")
    return {name: math.fsum(step[name] for step in steps) / len(steps) for name in steps[0]} | rates


def _policy_step(
    learner: Learner, experience: Experience, rows: Tensor, settings: PPOSettings, *, rate: float
) -> Metrics:
    rollout = experience.rollout
    mask = rollout.answer_mask[rows]
    loss, clipped = policy_loss(
        log_probs(learner.policy, rollout.tokens[rows], rollout.mask[rows], places=mask.shape[1]),
        rollout.log_probs[rows],
        experience.advantages[rows],
        mask,
        clip_range=settings.clip_range,
    )
    norm = _step(loss, learner.policy_optimizer, rate=rate, clip=settings.clip)
    return {"policy_loss": loss.item(), "clip_fraction": clipped.item(), "policy_grad_norm": norm}


def _critic_step(
    learner: Learner, experience: Experience, rows: Tensor, settings: PPOSettings, *, rate: float
) -> Metrics:
    rollout = experience.rollout
    mask = rollout.answer_mask[rows]
    loss = value_loss(
        learner.critic(rollout.tokens[rows], rollout.mask[rows], places=mask.shape[1]),
        experience.values[rows],
        experience.returns[rows],
        mask,
        clip_range=settings.value_clip_range,
    )
    norm = _step(loss, learner.critic_optimizer, rate=rate, clip=settings.clip)
    return {"value_loss": loss.item(), "critic_grad_norm": norm}


def _step(loss: Tensor, optimizer: torch.optim.Optimizer, *, rate: float, clip: float) -> float:
    """Follow the gradient; its norm before it was clipped."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss.backward()  # type: ignore[no-untyped-call]
    norm = clip_grad_norm_((weight for group in optimizer.param_groups for weight in group["params"]), clip)
    optimizer.step()
    optimizer.zero_grad()
    return norm.item()


def _identity(policy: Any, reward_model: RewardModel, asked: list[list[int]], settings: PPOSettings) -> dict[str, Any]:
    """What makes a run this one and no other."""
    scale = orjson.dumps([reward_model.mean, reward_model.std])
    return {
        "settings": asdict(settings),
        "prompts": hashlib.sha256(orjson.dumps(asked)).hexdigest(),
        "policy": _digest(policy, b""),
        "reward_model": _digest(reward_model.network, scale),
    }


def _digest(network: Any, beside: bytes) -> str:
    digest = hashlib.sha256(beside)
    for name, weight in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().float().contiguous().numpy())
    return digest.hexdigest()


def _save(policy: Any, tokens: Tokens, outcome: PPOOutcome, run: Mapping[str, Any], *, folder: Path) -> None:
    policy.save_pretrained(folder)
    tokens.tokenizer.save_pretrained(folder)
    record = {"run": run, "update": outcome.update, "ending": outcome.ending}
    (folder / RECORD).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _finished(out: Path, run: Mapping[str, Any]) -> PPOOutcome | None:
    """What an earlier run to this end has left in `out`. Raises OtherRun."""
    folder = out / POLICY
    if not folder.exists():
        return None
    record = folder / RECORD
    if not record.exists():
        raise OtherRun(f"{folder} is there and not from PPO; choose another folder")
    kept = orjson.loads(record.read_bytes())
    checkpoint.require_same_run(kept["run"], run, folder=folder)
    return PPOOutcome(policy=folder, update=kept["update"], ending=Ending(kept["ending"]))
