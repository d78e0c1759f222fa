"""Where an interrupted training run goes on: weights, optimizer, losses; one file that is whole or absent."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from littleworld.recipe import Recipe

NAME = "checkpoint.pt"


class OtherRecipe(Exception):
    """The checkpoint in this folder belongs to a run that learns something else."""


def save(
    folder: Path,
    recipe: Recipe,
    network: LlamaForCausalLM,
    optimizer: torch.optim.Optimizer,
    *,
    history: list[dict[str, float]],
) -> None:
    """Written aside and renamed."""
    aside = folder / f"{NAME}.part"
    torch.save(
        {
            "recipe": asdict(recipe),
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "history": history,
        },
        aside,
    )
    aside.rename(folder / NAME)


def restore(
    folder: Path, recipe: Recipe, network: LlamaForCausalLM, optimizer: torch.optim.Optimizer
) -> list[dict[str, float]]:
    """Load what `save` wrote into network and optimizer; the losses so far, none where there is no checkpoint.

    Raises OtherRecipe.
    """
    path = folder / NAME
    if not path.exists():
        return []
    kept: dict[str, Any] = torch.load(path, weights_only=True)
    if kept["recipe"] != asdict(recipe):
        raise OtherRecipe(f"{path} was written by another recipe; choose another --out, or delete it to start again")
    network.load_state_dict(kept["network"])
    optimizer.load_state_dict(kept["optimizer"])
    history: list[dict[str, float]] = kept["history"]
    return history
