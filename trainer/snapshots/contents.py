"""A snapshot's two files in the making, and what is counted on the way; holds one row group of each at most."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from selfref.exports.parquet import ParquetExport
from selfref.messages import Label
from trainer.snapshots.manifest import FileDigests, Manifest
from trainer.snapshots.sieve import Reason, Sieve
from trainer.snapshots.split import RULE, is_held_out


@dataclass(frozen=True)
class Rules:
    """What all snapshots of a data folder have in common; `heldout_share` is of the prompts, 0 to 1."""

    heldout_share: float = 0.1
    keep_ties: bool = False


class Contents:
    """The labels of one snapshot, each sorted into a file or dropped as it comes."""

    def __init__(self, train: BinaryIO, heldout: BinaryIO, *, sieve: Sieve, rules: Rules) -> None:
        self._train, self._heldout = _Part(train), _Part(heldout)
        self._sieve = sieve
        self._rules = rules
        self._ids: tuple[str, str] | None = None  # first and last
        self._dropped: Counter[str] = Counter()
        self._principles: Counter[str] = Counter()
        self._provenances: Counter[str] = Counter()
        self.consumed = 0

    def add(self, labels: Sequence[Label]) -> None:
        """Take up labels in feed order."""
        for label in labels:
            self._count(label)
            reason = self._sieve.drops(label)
            if reason is not None:
                self._dropped[reason] += 1
            elif is_held_out(label.prompt, share=self._rules.heldout_share):
                self._heldout.add(label)
            else:
                self._train.add(label)

    def close(self) -> tuple[FileDigests, FileDigests]:
        """Write what is left of both files, which can then be read: that to train on, and that held out."""
        return self._train.close(), self._heldout.close()

    def manifest(
        self, files: tuple[FileDigests, FileDigests], *, number: int, previous: str | None, cursor: str, size: int
    ) -> Manifest:
        """What was taken up, as the manifest of a snapshot of at least one label."""
        if self._ids is None:
            raise AssertionError("a snapshot has at least one label")
        train, heldout = files
        return Manifest(
            number=number,
            previous=previous,
            cursor=cursor,
            size=size,
            consumed=self.consumed,
            first_id=self._ids[0],
            last_id=self._ids[1],
            keep_ties=self._rules.keep_ties,
            heldout_share=self._rules.heldout_share,
            split_rule=RULE,
            train=train,
            heldout=heldout,
            dropped={reason: self._dropped[reason] for reason in Reason},
            principles=dict(self._principles),
            provenances=dict(self._provenances),
        )

    def _count(self, label: Label) -> None:
        self.consumed += 1
        self._ids = (self._ids[0] if self._ids else label.id, label.id)
        self._principles[label.principle] += 1
        self._provenances[label.provenance] += 1


class _Part:
    """One Parquet file in the making, and its digests."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._export = ParquetExport()
        self._bytes, self._content = hashlib.sha256(), hashlib.sha256()
        self._rows = 0

    def add(self, label: Label) -> None:
        self._write(self._export.write([label]))
        line = orjson.dumps(label.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        self._content.update(line)
        self._rows += 1

    def close(self) -> FileDigests:
        self._write(self._export.close())
        return FileDigests(rows=self._rows, sha256=self._bytes.hexdigest(), content_sha256=self._content.hexdigest())

    def _write(self, ready: bytes) -> None:
        self._file.write(ready)
        self._bytes.update(ready)
