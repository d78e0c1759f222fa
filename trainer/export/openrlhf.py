"""One export to OpenRLHF, from snapshots to a folder; what was exported before is not exported again."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import orjson

from trainer.errors import ModelUnusable, NothingToTrainOn, TrainingError
from trainer.export import loadable, scripts
from trainer.export.folder import whole_folder
from trainer.export.readme import readme
from trainer.export.rows import Reason, Rows
from trainer.export.settings import VERSION, ExportSettings
from trainer.runs import digest_of_model
from trainer.snapshots.chain import Snapshot, heldout_labels, newest, train_labels
from trainer.tokens import Tokens

MANIFEST = "manifest.json"
_Source = TypeVar("_Source")


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export; `anew` is False where it was there already."""

    folder: Path
    manifest: dict[str, Any]
    anew: bool


@dataclass(frozen=True, slots=True)
class _Order:
    """What to export."""

    chain: list[Snapshot]
    tokens: Tokens
    base: Path
    policy: Path
    settings: ExportSettings

    def ingredients(self) -> dict[str, Any]:
        """Everything that the bytes of an export depend on."""
        digest = digest_of_model(self.base)
        of_policy = digest if self.policy == self.base else digest_of_model(self.policy)
        return {
            "openrlhf": VERSION,
            "selfref": version("selfref"),
            "snapshots": [each.digest for each in self.chain],
            "base": {"folder": _shown(self.base), "sha256": digest},
            "policy": {"folder": _shown(self.policy), "sha256": of_policy},
            "settings": asdict(self.settings),
        }


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of lines that was written: how many, and what was left out for which reason."""

    kept: int
    left_out: dict[str, int]


def export_openrlhf(
    data: Path, *, base: Path, policy: Path, out: Path, settings: ExportSettings, last: int | None = None
) -> Export:
    """The folder `out` with what OpenRLHF needs for the snapshots of `data`, or for the `last` of them.

    Raises a TrainingError (NothingToTrainOn, ModelUnusable, SnapshotDamaged among them); then nothing is left behind.
    """
    try:
        order = _order(data, base, policy, settings, last=last)
        ingredients = order.ingredients()
        there = _manifest_of(out)
        if there is not None:
            if there.get("ingredients") != ingredients:
                raise TrainingError(f"{out} holds another export; name another folder with --out, or remove that one")
            return Export(out, there, anew=False)
        with whole_folder(out) as aside:
            rows = _write(aside, order)
            manifest = {"version": 1, "ingredients": ingredients, "rows": rows, "files": _digests(aside)}
            option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
            (aside / MANIFEST).write_bytes(orjson.dumps(manifest, option=option))
    except OSError as error:
        raise TrainingError(f"{out} could not be written, or {data} not read: {error}") from error
    return Export(out, manifest, anew=True)


def _order(data: Path, base: Path, policy: Path, settings: ExportSettings, *, last: int | None) -> _Order:
    chain = newest(data, last)
    if not chain:
        raise NothingToTrainOn(f"{data} holds no snapshots; take some with: python -m trainer snapshot")
    tokens = Tokens.load(base)
    if policy != base:
        _check_policy(tokens, Tokens.load(policy), policy)
    return _Order(chain=chain, tokens=tokens, base=base, policy=policy, settings=settings)


def _check_policy(tokens: Tokens, of_policy: Tokens, policy: Path) -> None:
    """OpenRLHF's reward model reads the very tokens that the policy says."""
    ours, theirs = tokens.tokenizer, of_policy.tokenizer
    if ours.get_vocab() != theirs.get_vocab() or ours.get_chat_template() != theirs.get_chat_template():
        raise ModelUnusable(f"{policy} has another tokenizer or chat template than the reward model's base")


def _manifest_of(out: Path) -> dict[str, Any] | None:
    """That of an export which is there; None where there is nothing. Raises TrainingError for anything else."""
    if not out.exists() or not any(out.iterdir()):
        return None
    try:
        found: dict[str, Any] = orjson.loads((out / MANIFEST).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        raise TrainingError(f"{out} holds something else than an export; name another folder with --out") from None
    return found


def _write(folder: Path, order: _Order) -> dict[str, Any]:
    """All files but the manifest; what became of the labels and prompts is what it returns. Raises NothingToTrainOn."""
    rows, settings, padding = Rows(order.tokens, order.settings), order.settings, order.tokens.padding
    (folder / scripts.TRAIN).parent.mkdir()
    train = _lines(folder / scripts.TRAIN, train_labels(order.chain), rows.preference)
    heldout = _lines(folder / scripts.HELDOUT, heldout_labels(order.chain), rows.preference)
    asked = (label.prompt for label in train_labels(order.chain))
    prompts = _lines(folder / scripts.PROMPTS, asked, rows.prompt)
    _check_batch(train, settings.reward_batch, "pairs to train on", "--reward-batch")
    _check_batch(prompts, settings.batch, "prompts to answer", "--batch")
    base, policy, measured = order.base.absolute(), order.policy.absolute(), heldout.kept > 0
    counts = {"train": train.kept, "heldout": heldout.kept, "prompts": prompts.kept}
    for name, text in (
        (scripts.TEMPLATE, rows.template),
        (scripts.LOADABLE, Path(loadable.__file__).read_text(encoding="utf-8")),
        ("README.md", readme(settings, padding=padding, **counts)),
        ("reward-model.sh", scripts.reward_model_script(base, settings, heldout=measured, padding=padding)),
        ("ppo.sh", scripts.ppo_script(policy, settings, prompts=prompts.kept)),
    ):
        (folder / name).write_bytes(os.fsencode(text))  # a folder's name may be no UTF-8
    for script in folder.glob("*.sh"):
        script.chmod(0o755)
    return {"train": asdict(train), "heldout": asdict(heldout), "prompts": asdict(prompts)}


def _lines(file: Path, sources: Iterable[_Source], line_of: Callable[[_Source], bytes | Reason]) -> _Part:
    kept, left_out = 0, Counter[Reason]()
    with file.open("xb") as opened:
        for each in sources:
            line = line_of(each)
            if isinstance(line, Reason):
                left_out[line] += 1
            else:
                opened.write(line)
                kept += 1
    return _Part(kept, {reason.value: number for reason, number in sorted(left_out.items())})


def _check_batch(part: _Part, batch: int, what: str, option: str) -> None:
    """OpenRLHF takes no step with less than one batch, and ends with an error of its own or with nothing learnt."""
    if part.kept >= batch:
        return
    left_out = ", ".join(f"{number} {reason}" for reason, number in part.left_out.items()) or "none"
    advice = f"take more labels, or lower {option} ({batch})" if part.kept else "take more labels"
    raise NothingToTrainOn(f"there are {part.kept} {what} (left out: {left_out}); {advice}")


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    found = {}
    for each in files:
        with each.open("rb") as opened:
            found[str(each.relative_to(folder))] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found


def _shown(folder: Path) -> str:
    return str(folder.absolute()).encode(errors="backslashreplace").decode()
