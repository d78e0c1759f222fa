"""Our PPO beside that of TRL 1.12, the last to have one: the figures of docs/decisions/0010-ppo-beside-trl.md.

    python3.11 -m venv /tmp/trl112
    /tmp/trl112/bin/pip install trl==1.12.0 transformers==5.23.0 torch==2.13.0 orjson pydantic rich typer
    OMP_NUM_THREADS=1 /tmp/trl112/bin/python -m tests.trainer.ppo.measure_beside_trl \
        --policy loop/weak --reward-model loop/trainer/runs/reward-…/model --out build/beside-trl

Both run in one environment, on the same prompts in the same order, and draw an update's answers from the same seed; so
as long as both have learnt the same, they see the same answers. `--seeds` repeats it with other prompts and draws.
OUT/ours-1.json and the like are kept, and not made again. Not a test: it asserts nothing.
"""

import math
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import orjson
import torch
import typer
from torch import Tensor, nn

from littleworld.loop.policies import measured, questions_of
from littleworld.world.question import Question, Split
from selfref.exports.preferences import turns_of
from trainer.ppo.advantages import kl_k1
from trainer.ppo.learner import frozen_copy, load_policy
from trainer.ppo.log import read_log
from trainer.ppo.order import prompts_of_update, seed_of_update
from trainer.ppo.ppo import train_policy
from trainer.ppo.rollout import log_probs_of, padded_left, sample
from trainer.ppo.settings import PPOSettings
from trainer.reward.scoring import RewardModel

ANSWER_TOKENS = 20  # no right answer has more than 13; so some are cut, and missing ends are charged
KL_COEF = 0.1  # as the loop's held run
UNCLIPPED = 1e6  # norm of a gradient; TRL clips none
EARLY = 5  # updates that are shown
LATE = 10  # updates at the end of a run, over which its curve is averaged
TOGETHER = 200  # answers sampled at a time
SAME = 1e-4  # between two mean scores of the same answers
T95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36}  # Student's t by the number of seeds
AT_THE_END = ("gold", "exact", "score_end", "kl_end", "length", "cpu_seconds")
CURVES = ("score", "kl", "clip_fraction", "value_loss")
Figures = dict[str, Any]


def ours(policy: Path, reward_model: RewardModel, questions: Sequence[Question], settings: PPOSettings) -> Figures:
    """Train by `trainer.ppo`; the policy and what each update saw."""
    with TemporaryDirectory() as folder:
        out = Path(folder)
        train_policy(policy, reward_model, [turns_of(each.text) for each in questions], settings, out)
        network, log = load_policy(out / "policy", reward_model), read_log(out)
    penalties = [settings.missing_eos_penalty * (1 - line["ended"]) for line in log]
    return {
        "network": network,
        "score": [line["score"] - penalty for line, penalty in zip(log, penalties, strict=True)],
        "kl": [line["kl"] for line in log],
        "clip_fraction": [line["clip_fraction"] for line in log],
        "policy_loss": [line["policy_loss"] for line in log],
        "value_loss": [line["value_loss"] for line in log],
    }


def trls(policy: Path, reward_model: RewardModel, questions: Sequence[Question], settings: PPOSettings) -> Figures:
    """Train by TRL's PPOTrainer; the same."""
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    tokens = reward_model.tokens
    network = load_policy(policy, reward_model)
    network.generation_config.pad_token_id = tokens.padding  # or else generation pads with end-of-text
    asked = [tokens.prompt(turns_of(each.text)) for each in questions]
    with TemporaryDirectory() as folder:
        config = PPOConfig(
            output_dir=folder,
            total_episodes=settings.updates * settings.batch,
            per_device_train_batch_size=settings.batch,
            gradient_accumulation_steps=1,
            num_ppo_epochs=settings.epochs,
            num_mini_batches=settings.minibatches,
            response_length=settings.answer_tokens,
            stop_token="eos",
            missing_eos_penalty=settings.missing_eos_penalty,
            temperature=1.0,
            kl_coef=settings.kl_coef,
            kl_estimator="k1",
            gamma=settings.gamma,
            lam=settings.lam,
            cliprange=settings.clip_range,
            cliprange_value=settings.value_clip_range,
            vf_coef=1.0,  # policy and critic share no weight, so it only scales gradients that Adam scales back
            whiten_rewards=False,
            learning_rate=settings.learning_rate,
            lr_scheduler_type="constant",
            optim="adamw_torch",
            adam_beta2=0.95,
            bf16=False,
            use_cpu=True,
            gradient_checkpointing=False,
            num_sample_generations=0,
            save_strategy="no",
            report_to="none",
            seed=settings.seed,
        )
        trainer = PPOTrainer(
            args=config,
            processing_class=tokens.tokenizer,
            model=network,
            ref_model=frozen_copy(network),
            reward_model=normalised(reward_model),
            value_model=normalised(reward_model),
            train_dataset=[{"input_ids": each} for each in asked],
        )
        trainer.dataloader = InOurOrder(asked, padding=tokens.padding, settings=settings)
        trainer.train()
    log = [line for line in trainer.state.log_history if "objective/kl" in line]
    return {
        "network": network.eval(),
        "score": [line["objective/scores"] for line in log],
        "kl": [line["objective/kl"] for line in log],
        "clip_fraction": [line["policy/clipfrac_avg"] for line in log],
        "policy_loss": [line["loss/policy_avg"] for line in log],
        "value_loss": [line["loss/value_avg"] for line in log],
    }


class InOurOrder:
    """What TRL takes for its loader: each update's prompts, and the seed from which its answers are drawn."""

    def __init__(self, asked: Sequence[Sequence[int]], *, padding: int, settings: PPOSettings) -> None:
        self._asked = asked
        self._padding = padding
        self._settings = settings

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """All updates, once."""
        batch, seed = self._settings.batch, self._settings.seed
        for update in range(1, self._settings.updates + 1):
            taken = prompts_of_update(update, batch=batch, prompts=len(self._asked), seed=seed)
            torch.manual_seed(seed_of_update(update, seed=seed))
            yield {"input_ids": padded_left([self._asked[index] for index in taken], padding=self._padding)[0]}


class NormalisedHead(nn.Module):
    """A score head in the units of `RewardModel.score`, which TRL knows nothing of; `linear` is what it may train."""

    def __init__(self, linear: nn.Linear, *, mean: float, std: float) -> None:
        super().__init__()
        self.linear = linear
        self.mean, self.std = mean, std

    def forward(self, hidden: Tensor) -> Tensor:
        """(…, 1)."""
        return (self.linear(hidden) - self.mean) / self.std


def normalised(reward_model: RewardModel) -> Any:
    """A copy of its network whose head gives normalised scores."""
    network = deepcopy(reward_model.network)
    network.score = NormalisedHead(network.score, mean=reward_model.mean, std=reward_model.std)
    return network


def looked_at(network: Any, first: Any, reward_model: RewardModel, questions: Sequence[Question]) -> Figures:
    """Gold, KL from the first policy in nats an answer, and score, of fresh answers to held-out questions."""
    tokens, kl, score, length = reward_model.tokens, [], [], []
    said: list[str] = []
    torch.manual_seed(0)
    for begin in range(0, len(questions), TOGETHER):
        asked = [tokens.prompt(turns_of(each.text)) for each in questions[begin : begin + TOGETHER]]
        rollout = sample(network, asked, tokens, answer_tokens=ANSWER_TOKENS)
        kl.append(kl_k1(rollout.log_probs, log_probs_of(first, rollout), rollout.answer_mask).sum(dim=1))
        score.append(reward_model.score(rollout.sequences()))
        length += [len(each) for each in rollout.answers()]
        said += [tokens.text(each) for each in rollout.answers()]
    found = measured(questions, said)
    return {
        "gold": found.gold,
        "exact": found.exact,
        "exact_ci": found.exact_ci,
        "kl_end": torch.cat(kl).mean().item(),
        "kl_end_error": torch.cat(kl).std().item() / math.sqrt(len(questions)),
        "score_end": torch.cat(score).mean().item(),
        "length": fmean(length),
    }


def first_updates(mine: Figures, other: Figures) -> Iterator[str]:
    """What both say of a seed's first updates, and until when they saw the same answers."""
    for name in ("score", "kl", "policy_loss", "value_loss", "clip_fraction"):
        for who, each in (("ours", mine), ("TRL", other)):
            yield f"  {name:14s} {who:4s} " + "  ".join(f"{value:9.6f}" for value in each[name][:EARLY])
    parted = [abs(a - b) > SAME for a, b in zip(mine["score"], other["score"], strict=True)]
    yield f"  other answers from update {parted.index(True) + 1}" if any(parted) else "  the same answers throughout"


def compared(runs: dict[str, list[Figures]]) -> Iterator[str]:
    """Means over seeds with 95 % intervals, and of the differences seed by seed; t, since seeds are few."""
    rows = [(name, [[run[name] for run in each] for each in runs.values()]) for name in AT_THE_END]
    late = {name: [[fmean(run[name][-LATE:]) for run in each] for each in runs.values()] for name in CURVES}
    for name, (mine, other) in [*rows, *((f"{name}, last {LATE} updates", both) for name, both in late.items())]:
        difference = [a - b for a, b in zip(mine, other, strict=True)]
        yield f"{name:30s} ours {_told(mine)}   TRL {_told(other)}   difference {_told(difference)}"


def _told(values: Sequence[float]) -> str:
    half = T95[len(values)] * stdev(values) / math.sqrt(len(values))
    return f"{fmean(values):.3f} ± {half:.3f}"


def main(
    policy: Annotated[Path, typer.Option(file_okay=False)],
    reward_model: Annotated[Path, typer.Option(file_okay=False)],
    out: Annotated[Path, typer.Option(file_okay=False)],
    seeds: Annotated[int, typer.Option(min=2, max=max(T95))] = 3,
    updates: Annotated[int, typer.Option(min=1)] = 30,
    batch: Annotated[int, typer.Option(min=1)] = 64,
) -> None:
    """Train with both from every seed, and print the table."""
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    scores = RewardModel.load(reward_model)
    first = load_policy(policy, scores)
    asked, heldout = questions_of(Split.TRAIN, 3500, seed=1), questions_of(Split.HELD_OUT, 600, seed=1)
    typer.echo(f"before: {looked_at(first, first, scores, heldout)}")
    runs: dict[str, list[Figures]] = {"ours": [], "trl": []}
    for seed in range(1, seeds + 1):
        settings = PPOSettings(
            updates=updates, batch=batch, answer_tokens=ANSWER_TOKENS, kl_coef=KL_COEF, clip=UNCLIPPED, seed=seed
        )
        for who, train in (("ours", ours), ("trl", trls)):
            file = out / f"{who}-{seed}.json"
            if not file.exists():
                began = time.process_time()
                figures = train(policy, scores, asked, settings)
                figures["cpu_seconds"] = time.process_time() - began
                figures |= looked_at(figures.pop("network"), first, scores, heldout)
                file.write_bytes(orjson.dumps(figures))
            runs[who].append(orjson.loads(file.read_bytes()))
        typer.echo(f"seed {seed}:")
        typer.echo("\n".join(first_updates(runs["ours"][-1], runs["trl"][-1])))
    typer.echo("\n".join(compared(runs)))


if __name__ == "__main__":
    typer.run(main)
