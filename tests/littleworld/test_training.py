"""Training: the loss falls, everything that can learn moves, and an interrupted run ends as one that was not."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.progress import Progress
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast

from littleworld import checkpoint, mixture, network
from littleworld import train as training
from littleworld.drills import Drills
from littleworld.recipe import Recipe
from littleworld.tokenizer import train_tokenizer
from littleworld.turns import Turns
from worker.prompts import load_prompts

RECIPE = Recipe(
    layers=2,
    width=32,
    heads=2,
    feed_forward=64,
    steps=60,
    repeating_steps=5,
    comparing_steps=5,
    batch=4,
    warm_up=5,
    tokenizer_pairs=300,
)

JUDGING = replace(RECIPE, repeating_steps=0, comparing_steps=0)


class PowerFailure(Exception):
    """Ends a run in its middle."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for one another on a busy machine take a hundred times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(folder: Path, recipe: Recipe = RECIPE) -> dict[str, torch.Tensor]:
    with Progress(disable=True) as progress:
        training.train(recipe, folder, progress=progress)
    return load_file(folder / "model.safetensors")


def test_training_lowers_the_loss_and_writes_what_an_engine_loads(tmp_path: Path) -> None:
    weights = run(tmp_path / "judge")
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())
    record = json.loads((tmp_path / "judge" / "training.json").read_text())
    assert record["losses"]["turns"] < 6.6  # of about 7.3 = ln(vocabulary) before the first step
    assert record["prompts"] == load_prompts().digest
    assert PreTrainedTokenizerFast.from_pretrained(tmp_path / "judge").chat_template
    names = {path.name for path in (tmp_path / "judge").iterdir()}
    assert {"config.json", "loss.png", "model.safetensors", "tokenizer.json", "training.json"} <= names
    assert checkpoint.NAME not in names


def test_the_same_seed_makes_the_same_judge_and_another_another(tmp_path: Path) -> None:
    first, second = run(tmp_path / "one"), run(tmp_path / "two")
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = run(tmp_path / "three", replace(RECIPE, seed=2))
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_another_seed_draws_other_weights_to_begin_with() -> None:
    tokenizer = train_tokenizer(mixture.texts(1, 300), load_prompts())
    first, again, another = (
        network.build(replace(RECIPE, seed=seed), tokenizer).model.embed_tokens.weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, another)


def test_a_run_cut_off_anywhere_goes_on_and_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path / "whole")
    monkeypatch.setattr(training, "SAVED_EVERY", 20)
    with Progress(disable=True) as progress, pytest.raises(PowerFailure):
        training.train(RECIPE, tmp_path / "cut", progress=_FailingAt(progress, 40))
    assert (tmp_path / "cut" / checkpoint.NAME).exists()
    resumed = run(tmp_path / "cut")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(mixture.texts(1, 300), load_prompts())
    model = network.build(RECIPE, tokenizer)
    optimizer = network.optimizer(model, RECIPE)
    checkpoint.save(tmp_path, RECIPE, model, optimizer, history=[])
    with pytest.raises(checkpoint.OtherRecipe, match="another recipe"):
        checkpoint.restore(tmp_path, replace(RECIPE, steps=61), model, optimizer)


def test_every_parameter_learns_and_a_batch_is_the_mean_of_its_examples() -> None:
    prompts = load_prompts()
    tokenizer = train_tokenizer(mixture.texts(1, 300), prompts)
    model, turns = network.build(RECIPE, tokenizer), Turns(tokenizer, prompts)
    batch = next(iter(mixture.batches(turns, Drills(tokenizer), JUDGING, skip=0)))
    labels = network.label_ids(tokenizer)
    together = network.losses(model, *mixture.tensors(batch), labels=labels)
    apart = [network.losses(model, *mixture.tensors([example]), labels=labels) for example in batch]
    sizes = [sum(target >= 0 for target in example.targets) for example in batch]
    mean = sum(loss.turns.item() * size for loss, size in zip(apart, sizes, strict=True)) / sum(sizes)
    assert together.turns.item() == pytest.approx(mean, rel=0.01)  # bfloat16 inside
    (together.turns + together.verdicts).backward()  # type: ignore[no-untyped-call]
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in model.parameters())


class _FailingAt:
    """A progress bar whose step is the end of the run."""

    def __init__(self, progress: Progress, step: int) -> None:
        self._progress, self._step = progress, step
        self.console = progress.console

    def add_task(self, *args: object, **options: object) -> int:
        return self._progress.add_task("training", total=None)

    def update(self, *_: object, completed: int, **__: object) -> None:
        if completed == self._step + training.LOGGED_EVERY:
            raise PowerFailure
