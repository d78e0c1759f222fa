"""Reading snapshots: nothing is handed out before it has been held against its manifest."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet as pq
from pydantic import ValidationError

from selfref.messages import Label
from trainer.errors import SnapshotDamaged
from trainer.snapshots.manifest import FileDigests, Manifest

FOLDER = "snapshots"  # beneath the trainer's data folder
MANIFEST, TRAIN, HELDOUT = "manifest.json", "train.parquet", "heldout.parquet"
_NAME = re.compile(r"[0-9]{5,}")  # a pattern such as `*` would match a folder in which one is being made
_BATCH = 1000  # rows turned into Python's objects at once


@dataclass(frozen=True)
class Snapshot:
    """One published snapshot. Its tables have the columns of `selfref.exports.parquet.SCHEMA`, in feed order."""

    folder: Path
    manifest: Manifest

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest; with it, of everything in this snapshot and those before."""
        return self.manifest.digest

    def train(self) -> pa.Table:
        """The rows to learn from; raises SnapshotDamaged."""
        return _table(self.folder / TRAIN, self.manifest.train)

    def heldout(self) -> pa.Table:
        """The rows to measure on; raises SnapshotDamaged."""
        return _table(self.folder / HELDOUT, self.manifest.heldout)


def name_of(number: int) -> str:
    """The name of a snapshot's folder."""
    return f"{number:05}"


def snapshots(data: Path) -> list[Snapshot]:
    """Every published snapshot beneath a data folder, oldest first; none where the folder is missing.

    Raises SnapshotDamaged where a number is missing, or a manifest does not follow the one before.
    """
    folder = data / FOLDER
    names = [each.name for each in folder.iterdir() if _NAME.fullmatch(each.name)] if folder.is_dir() else []
    chain: list[Snapshot] = []
    for number, name in enumerate(sorted(names, key=int), start=1):
        if name != name_of(number):
            raise SnapshotDamaged(
                f"{folder} holds {name} where {name_of(number)} should be; put the missing snapshot back from a copy"
            )
        snapshot = Snapshot(folder=folder / name, manifest=_manifest(folder / name / MANIFEST))
        _check_place(snapshot, number=number, previous=chain[-1].digest if chain else None)
        chain.append(snapshot)
    return chain


def newest(data: Path, last: int | None) -> list[Snapshot]:
    """The `last` snapshots, oldest first; all without a number. Raises SnapshotDamaged."""
    return snapshots(data)[-(last or 0) :]


def kept_ids(chain: Sequence[Snapshot]) -> set[str]:
    """The ids of all labels in the files of these snapshots; raises SnapshotDamaged."""
    ids: set[str] = set()
    for each in chain:
        for name, digests in ((TRAIN, each.manifest.train), (HELDOUT, each.manifest.heldout)):
            ids.update(_table(each.folder / name, digests, columns=["id"])["id"].to_pylist())
    return ids


def train_labels(chain: Sequence[Snapshot]) -> Iterator[Label]:
    """What these snapshots have to learn from, in feed order; raises SnapshotDamaged on the way."""
    return (label for each in chain for label in read_labels(each.train()))


def heldout_labels(chain: Sequence[Snapshot]) -> Iterator[Label]:
    """What they have to measure on, likewise."""
    return (label for each in chain for label in read_labels(each.heldout()))


def read_labels(table: pa.Table) -> Iterator[Label]:
    """The rows of a table as the labels that they were, message by message the same."""
    for batch in table.to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            yield _label(row)


def _manifest(path: Path) -> Manifest:
    try:
        content = path.read_bytes()
        manifest = Manifest.model_validate_json(content)
    except (OSError, ValidationError) as error:
        raise SnapshotDamaged(f"{path} is no manifest; put it back from a copy. ({error})") from error
    if manifest.encode() != content:
        raise SnapshotDamaged(f"{path} was written by something else; put it back from a copy.")
    return manifest


def _check_place(snapshot: Snapshot, *, number: int, previous: str | None) -> None:
    path = snapshot.folder / MANIFEST
    if snapshot.manifest.number != number:
        raise SnapshotDamaged(f"{path} is that of snapshot {name_of(snapshot.manifest.number)}.")
    if snapshot.manifest.previous != previous:
        raise SnapshotDamaged(
            f"{path} does not follow the manifest before it: one of the two was changed, or comes from another data "
            "folder; put both back from copies that belong together."
        )


def _table(path: Path, digests: FileDigests, *, columns: list[str] | None = None) -> pa.Table:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != digests.sha256:
                raise SnapshotDamaged(f"{path} is not the file that its manifest describes; put it back from a copy.")
            file.seek(0)
            return pq.ParquetFile(file).read(columns=columns)
    except OSError as error:
        raise SnapshotDamaged(f"{path} cannot be read: {error}") from error


def _label(row: dict[str, Any]) -> Label:
    is_text = row.pop("prompt_is_text")
    return Label.model_validate(
        row
        | {
            "prompt": row["prompt"][0]["content"] if is_text else row["prompt"],
            "chosen": _text(row["chosen"]),
            "rejected": _text(row["rejected"]),
        }
    )


def _text(answer: list[dict[str, str]] | None) -> str | None:
    return None if answer is None else answer[0]["content"]
