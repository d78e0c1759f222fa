"""A run is named by what goes into it: the same snapshots, base model and settings are the same run, done once.

runs/reward-3f9c2d51a0b4/      everything of one run; `model/` appears whole, and after it `report.json`
CURRENT-reward                 the name of the newest finished run of that kind
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from selfref.durable import sync_folder, whole_file
from trainer.errors import ModelUnusable

REPORT = "report.json"
_TOLD_APART_BY = ("*.safetensors", "*.bin", "config.json", "tokenizer.*", "chat_template.jinja")
_LIBRARIES = ("torch", "transformers", "trl")


@dataclass(frozen=True, slots=True)
class Run:
    """One run's folder."""

    folder: Path

    @property
    def model(self) -> Path:
        """The finished model, absent until then."""
        return self.folder / "model"

    @property
    def work(self) -> Path:
        """What an interrupted run goes on from."""
        return self.folder / "work"

    @property
    def finished(self) -> bool:
        """True once model and report are on disk."""
        return (self.folder / REPORT).exists()

    def report(self) -> dict[str, Any]:
        """What it came to; raises FileNotFoundError until it has finished."""
        found: dict[str, Any] = orjson.loads((self.folder / REPORT).read_bytes())
        return found

    def publish_model(self, save: Callable[[Path], None]) -> None:
        """Let `save` write the model into a folder aside, which then gets its name."""
        aside = self.folder / ".model"
        aside.mkdir(parents=True, exist_ok=True)
        save(aside)
        sync_tree(aside)
        aside.rename(self.model)
        sync_folder(self.folder)

    def publish_report(self, report: Mapping[str, Any]) -> None:
        """The last file of a run."""
        with whole_file(self.folder / REPORT) as file:
            file.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def run_of(data: Path, kind: str, ingredients: Mapping[str, Any]) -> Run:
    """The run that these ingredients make; libraries and this package's version are among them."""
    versions = {name: version(name) for name in ("selfref", *_LIBRARIES)}
    everything = orjson.dumps({"versions": versions, **ingredients}, option=orjson.OPT_SORT_KEYS)
    return Run(data / "runs" / f"{kind}-{hashlib.sha256(everything).hexdigest()[:12]}")


def ingredients_of_policy(
    policy: Path, reward_model: Path, asked: Sequence[list[int]], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What a policy that learns from a reward model is made of; `asked` are its prompts, as tokens."""
    return {
        "policy": digest_of_model(policy),
        "reward_model": digest_of_model(reward_model),
        "prompts": hashlib.sha256(orjson.dumps(list(asked))).hexdigest(),
        "settings": dict(settings),
    }


def point_to(data: Path, kind: str, run: Run) -> None:
    """Make a finished run, which needs nothing to go on from any more, the current one of its kind."""
    shutil.rmtree(run.work, ignore_errors=True)
    with whole_file(data / f"CURRENT-{kind}") as file:
        file.write(f"{run.folder.name}\n".encode())


def digest_of_model(folder: Path) -> str:
    """What tells one model from another: the bytes of weights, config and tokenizer. Raises ModelUnusable."""
    files = sorted(file for pattern in _TOLD_APART_BY for file in folder.glob(pattern))
    if not files:
        raise ModelUnusable(f"{folder} holds no model; give the folder of a Hugging Face model")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(f"{file.name}\n{hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def sync_tree(folder: Path) -> None:
    """Every file of a folder is on disk when this returns."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb+") as opened:
                opened.flush()
                os.fsync(opened.fileno())
    sync_folder(folder)
