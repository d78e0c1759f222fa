"""`python -m littleworld.train --out DIR`: train the bundled judge from nothing.

Supervised learning on the chain's own turns (`turns.py`), mixed as `mixture.py` says, by the recipe of `recipe.py`. The
same seed draws the same weights and the same examples. An interrupted run goes on where its checkpoint stands.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.nn.utils import clip_grad_norm_
from transformers import LlamaForCausalLM

from littleworld import checkpoint, mixture, network
from littleworld.drills import Drills
from littleworld.plot import plot_losses
from littleworld.recipe import Recipe
from littleworld.tokenizer import train_tokenizer, wrap
from littleworld.turns import Turns
from worker.prompts import load_prompts

LOGGED_EVERY = 20  # steps; a point of the loss plot is their mean
SAVED_EVERY = 100  # steps
RECORD = "training.json"
WRONG_USE = 2


def train(recipe: Recipe, folder: Path, *, progress: Progress) -> None:
    """Train, and write the model, tokenizer, record and loss plot to `folder`. Raises checkpoint.OtherRecipe."""
    folder.mkdir(parents=True, exist_ok=True)
    prompts = load_prompts()
    tokenizer = train_tokenizer(mixture.texts(recipe.seed, recipe.tokenizer_pairs), prompts)
    model = network.build(recipe, tokenizer)
    optimizer = network.optimizer(model, recipe)
    history = checkpoint.restore(folder, recipe, model, optimizer)
    labels, turns, drills = network.label_ids(tokenizer), Turns(tokenizer, prompts), Drills(tokenizer)
    begun = len(history) * LOGGED_EVERY
    bar = progress.add_task("training", total=recipe.steps, completed=begun, loss="")
    since, cpu_since = time.monotonic(), time.process_time()
    recent: list[tuple[float, float, int]] = []
    for step, batch in enumerate(mixture.batches(turns, drills, recipe, skip=begun), start=begun):
        tokens, targets, probability_a = mixture.tensors(batch)
        found = network.losses(model, tokens, targets, probability_a, labels=labels)
        _step(found.turns + recipe.verdict_weight * found.verdicts, model, optimizer, recipe=recipe, step=step)
        recent.append((found.turns.item(), found.verdicts.item(), sum(len(example.tokens) for example in batch)))
        if len(recent) == LOGGED_EVERY:
            turn_loss, verdict_loss, seen = (sum(values) for values in zip(*recent, strict=True))
            history.append(
                {
                    "step": step + 1,
                    "turns": turn_loss / LOGGED_EVERY,
                    "verdicts": verdict_loss / LOGGED_EVERY,
                    "tokens": seen,
                    "seconds": time.monotonic() - since,
                    "cpu_seconds": time.process_time() - cpu_since,
                }
            )
            since, cpu_since, recent = time.monotonic(), time.process_time(), []
            progress.update(bar, completed=step + 1, loss=f"loss {history[-1]['turns']:.4f}")
        if (step + 1) % SAVED_EVERY == 0:
            checkpoint.save(folder, recipe, model, optimizer, history=history)
            if not progress.console.is_terminal:
                progress.console.print(f"step {step + 1} of {recipe.steps}, loss {history[-1]['turns']:.4f}")
    model.bfloat16().save_pretrained(folder)
    wrap(tokenizer).save_pretrained(folder)
    plot_losses(history, folder / "loss.png")
    (folder / RECORD).write_text(json.dumps(_record(recipe, history, prompts=prompts.digest), indent=2) + "\n")
    (folder / checkpoint.NAME).unlink(missing_ok=True)


def _step(
    loss: torch.Tensor,
    model: LlamaForCausalLM,
    optimizer: torch.optim.Optimizer,
    *,
    recipe: Recipe,
    step: int,
) -> None:
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate * recipe.rate(step)
    loss.backward()  # type: ignore[no-untyped-call]
    clip_grad_norm_(model.parameters(), recipe.clip)
    optimizer.step()
    optimizer.zero_grad()


def _record(recipe: Recipe, history: list[dict[str, float]], *, prompts: str) -> dict[str, Any]:
    """What the model card says of this run; sums over all parts of a run that was interrupted."""
    spent = {name: sum(each[name] for each in history) for name in ("tokens", "seconds", "cpu_seconds")}
    return {"recipe": asdict(recipe), "prompts": prompts, **spent, "losses": history[-1]}


def _recipe_options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for field in fields(Recipe):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
        yield field.name


def main() -> int:
    """The process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m littleworld.train", description="Train the bundled judge.")
    parser.add_argument("--out", type=Path, required=True, help="where to write it, and where an earlier run goes on")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    names = list(_recipe_options(parser))
    given = vars(parser.parse_args())
    torch.set_num_threads(given["threads"])
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=Console(stderr=True)) as progress:
        try:
            train(Recipe(**{name: given[name] for name in names}), given["out"], progress=progress)
        except checkpoint.OtherRecipe as error:
            progress.console.print(str(error), markup=False)
            return WRONG_USE
    return 0


if __name__ == "__main__":
    sys.exit(main())
