"""One reward model from labels to its report; what was done before is not done again."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import torch

from selfref.messages import Label
from trainer.errors import NothingToTrainOn
from trainer.plain import Trained
from trainer.processes import leading, sharing
from trainer.reward.evaluation import evaluate
from trainer.reward.pairs import Pair, Pairs, pairs_of
from trainer.reward.plots import plot_evaluation
from trainer.reward.scoring import RewardModel
from trainer.reward.settings import RewardSettings
from trainer.reward.training import train
from trainer.runs import Run, digest_of_model, point_to, run_of
from trainer.tokens import Tokens

KIND = "reward"
RECORD = "training.json"  # beside the weights: settings, and losses on the way
PLOT = "reward.png"


def reward_model(
    train_labels: Iterable[Label],
    heldout_labels: Iterable[Label],
    *,
    base: Path,
    settings: RewardSettings,
    data: Path,
    snapshots: Sequence[str],
) -> Run:
    """The finished run of these labels; `snapshots` are the digests of where they are from, and name the run.

    Of several processes one writes, and the others may return before it has.

    Raises NothingToTrainOn and ModelUnusable before anything is written.
    """
    tokens = Tokens.load(base)
    ingredients = {"snapshots": list(snapshots), "base": digest_of_model(base), "settings": asdict(settings)}
    run = run_of(data, KIND, ingredients)
    if not run.finished:
        teaching, testing = pairs_of(train_labels, tokens, settings), pairs_of(heldout_labels, tokens, settings)
        if not teaching.kept:
            raise NothingToTrainOn(_nothing(teaching, settings))
        if not run.model.exists():
            trained = train(base, teaching.kept, settings, tokens, folder=run.work)
            if leading():
                run.publish_model(lambda folder: _save(trained, teaching.kept, settings, tokens, folder=folder))
        if leading():
            _report(run, teaching, testing, ingredients)
    if leading():
        point_to(data, KIND, run)
    return run


def _save(trained: Trained, pairs: Sequence[Pair], settings: RewardSettings, tokens: Tokens, *, folder: Path) -> None:
    """Weights and tokenizer; the config holds mean and standard deviation of the scores of all answers learnt from."""
    scores = RewardModel(trained.network, tokens).raw([each for pair in pairs for each in (pair.chosen, pair.rejected)])
    trained.network.config.mean = scores.mean().item()
    trained.network.config.std = scores.std(correction=0).clamp(min=torch.finfo(torch.float32).eps).item()
    trained.network.save_pretrained(folder)
    tokens.tokenizer.save_pretrained(folder)
    record = {"settings": asdict(settings), "losses": trained.log}
    (folder / RECORD).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))


def _report(run: Run, teaching: Pairs, testing: Pairs, ingredients: dict[str, Any]) -> None:
    model = RewardModel.load(run.model)
    first, second = (
        model.raw([getattr(pair, side) for pair in testing.kept]).numpy().astype(float)
        for side in ("chosen", "rejected")
    )
    found = evaluate(testing.kept, first, second)
    losses = orjson.loads((run.model / RECORD).read_bytes())["losses"]
    plot_evaluation(found, losses, run.folder / PLOT)
    run.publish_report(
        {
            **ingredients,
            "train": {"pairs": len(teaching.kept), "left_out": dict(teaching.left_out)},
            "heldout": {"left_out": dict(testing.left_out), **asdict(found)},
            "mean": model.mean,
            "std": model.std,
            "processes": sharing(),
            "losses": losses,
        }
    )


def _nothing(teaching: Pairs, settings: RewardSettings) -> str:
    left_out = ", ".join(f"{count} {reason}" for reason, count in teaching.left_out.items()) or "there is no label"
    return (
        f"no pair to train on ({left_out}); take more labels, raise longest ({settings.longest} tokens), "
        "or let ties teach with loss=soft"
    )
