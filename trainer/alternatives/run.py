"""One better policy from what it learns from to its report; what was done before is not done again.

Runs are those of `trainer.runs`, as the reward model's: named by what goes into them. So runs of all three algorithms
and many settings lie beside one another in the trainer's folder without anyone choosing names, and none is in the
other's way. PPO has a folder of its own for each run because an observer, who is no ingredient, decides how it ends.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from selfref.exports.preferences import Turn
from selfref.messages import Label
from trainer.alternatives.dpo import decided_pairs, train_dpo
from trainer.alternatives.online import train_online
from trainer.alternatives.settings import DPOSettings, OnlineSettings
from trainer.errors import NothingToTrainOn
from trainer.plain import Trained
from trainer.processes import leading
from trainer.reward.scoring import RewardModel
from trainer.runs import Run, digest_of_model, ingredients_of_policy, point_to, run_of
from trainer.tokens import Tokens

DPO = "dpo"
RECORD = "training.json"  # beside the weights: what the report tells of how they came about
Record = dict[str, Any]


def online_policy(
    policy: Path, reward_model: Path, prompts: Sequence[list[Turn]], settings: OnlineSettings, *, data: Path
) -> Run:
    """The finished run of RLOO or GRPO.

    Raises ModelUnusable and PromptsUnusable, before anything is written, and Diverged.
    """
    tokens = Tokens.load(policy)
    asked = [tokens.prompt(turns) for turns in prompts]
    ingredients = ingredients_of_policy(policy, reward_model, asked, asdict(settings))

    def train(work: Path) -> tuple[Trained, Record]:
        return train_online(policy, RewardModel.load(reward_model), prompts, settings, folder=work), {}

    return _finished(data, settings.algorithm, ingredients, train, tokens)


def dpo_policy(
    train_labels: Iterable[Label],
    heldout_labels: Iterable[Label],
    *,
    policy: Path,
    settings: DPOSettings,
    data: Path,
    snapshots: Sequence[str],
) -> Run:
    """The finished run of these labels; `snapshots` are the digests of where they are from, and name the run.

    Raises NothingToTrainOn and ModelUnusable, before anything is written, and Diverged.
    """
    tokens = Tokens.load(policy)
    ingredients = {"snapshots": list(snapshots), "policy": digest_of_model(policy), "settings": asdict(settings)}

    def train(work: Path) -> tuple[Trained, Record]:
        teaching, testing = (decided_pairs(labels, tokens, settings) for labels in (train_labels, heldout_labels))
        if not teaching.kept:
            raise NothingToTrainOn(_nothing(teaching.left_out, settings))
        trained = train_dpo(policy, teaching.kept, testing.kept, settings, tokens, folder=work)
        told = {
            name: {"pairs": len(pairs.kept), "left_out": dict(pairs.left_out)}
            for name, pairs in (("train", teaching), ("heldout", testing))
        }
        told["heldout"] |= trained.heldout or {}
        return trained, told

    return _finished(data, DPO, ingredients, train, tokens)


def _finished(
    data: Path,
    kind: str,
    ingredients: Mapping[str, Any],
    train: Callable[[Path], tuple[Trained, Record]],
    tokens: Tokens,
) -> Run:
    """The run of these ingredients, trained unless it was before. Of several processes one writes."""
    run = run_of(data, kind, ingredients)
    if not run.model.exists():
        trained, told = train(run.work)
        if leading():
            run.publish_model(lambda folder: _save(trained, told, tokens, folder=folder))
    if leading():
        if not run.finished:
            run.publish_report({**ingredients, **orjson.loads((run.model / RECORD).read_bytes())})
        point_to(data, kind, run)
    return run


def _save(trained: Trained, told: Record, tokens: Tokens, *, folder: Path) -> None:
    trained.network.save_pretrained(folder)
    tokens.tokenizer.save_pretrained(folder)
    record = {**told, "ending": "done", "log": trained.log}
    (folder / RECORD).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))


def _nothing(left_out: Counter[str], settings: DPOSettings) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "there is no label"
    return f"no pair to train on ({why}); take more labels, or raise longest ({settings.longest} tokens)"
