"""Where a killed run goes on: folders that appear whole, each with everything that training changes.

checkpoint-000040/state.pt     the newest
checkpoint-000020/state.pt     the one that an observer wanted kept, to roll back to
"""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from selfref.durable import sync_folder
from trainer.ppo.errors import OtherRun
from trainer.runs import sync_tree

_NAME = re.compile(r"checkpoint-(\d{6,})")
_STATE = "state.pt"


def publish(folder: Path, write: Callable[[Path], None]) -> None:
    """A folder that is there with everything that `write` puts into it, on disk, or not at all."""
    aside = folder.with_name(f".{folder.name}.partial")
    if aside.exists():  # of a killed process
        shutil.rmtree(aside)
    aside.mkdir()
    write(aside)
    sync_tree(aside)
    aside.rename(folder)
    sync_folder(folder.parent)


def save(out: Path, state: Mapping[str, Any], *, run: Mapping[str, Any], update: int, keep: int) -> None:
    """Keep this state and, of the older ones, that of update `keep`."""
    content = {"run": dict(run), "state": dict(state)}
    publish(out / f"checkpoint-{update:06}", lambda folder: torch.save(content, folder / _STATE))
    for number, folder in _all(out).items():
        if number not in (update, keep):
            shutil.rmtree(folder)


def newest(out: Path, run: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state to go on from; None where there is none. Raises OtherRun."""
    found = _all(out)
    return load(out, max(found), run=run) if found else None


def load(out: Path, update: int, *, run: Mapping[str, Any]) -> dict[str, Any]:
    """The state after this update. Raises OtherRun."""
    folder = _all(out)[update]
    kept: dict[str, Any] = torch.load(folder / _STATE, weights_only=True, map_location="cpu")
    require_same_run(kept["run"], run, folder=folder)
    state: dict[str, Any] = kept["state"]
    return state


def require_same_run(kept: Mapping[str, Any], run: Mapping[str, Any], *, folder: Path) -> None:
    """Raises OtherRun, which says in what they differ."""
    if other := [name for name in run if kept.get(name) != run[name]]:
        raise OtherRun(
            f"{folder} is of a run with another {' and '.join(other)}; choose another folder, or empty this one"
        )


def clear(out: Path) -> None:
    """Remove every checkpoint, and what a kill has left of one."""
    for folder in (*_all(out).values(), *out.glob(".checkpoint-*.partial")):
        shutil.rmtree(folder)


def _all(out: Path) -> dict[int, Path]:
    """Whole checkpoints by their update."""
    return {int(found[1]): path for path in out.iterdir() if (found := _NAME.fullmatch(path.name))}
