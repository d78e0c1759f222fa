"""Taking snapshots: labels behind the last manifest's cursor, written aside, then published by a rename.

Where one ends depends on the feed and the size asked for alone, so a run that was killed at any point and started again
leaves the same files as one that was not.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from selfref.client import SelfrefError
from selfref.durable import sync_folder, whole_file, write_synced
from trainer.errors import NothingToTrainOn, TrainingError
from trainer.locks import only_one
from trainer.snapshots.chain import FOLDER, HELDOUT, MANIFEST, TRAIN, Snapshot, kept_ids, name_of, snapshots
from trainer.snapshots.contents import Contents, Rules
from trainer.snapshots.feed import Feed, pages, training_error
from trainer.snapshots.manifest import Manifest
from trainer.snapshots.sieve import Sieve

_ASIDE = ".taking-"  # and the snapshot's name


@dataclass(frozen=True)
class Order:
    """Snapshots of `size` labels: `count` of them, or as many as the feed has within `wait` seconds.

    With `rest` the last may be smaller: it takes what there is then, unless that is nothing.
    """

    size: int
    count: int | None = None
    rest: bool = False
    wait: float = 0.0


def take(data: Path, feed: Feed, order: Order, rules: Rules) -> Iterator[Snapshot]:
    """Publish snapshots behind those that are there, and yield each once it is on disk.

    Raises NothingToTrainOn where the feed has too little for `count`, or without a count for a first snapshot;
    LabelsGone; SnapshotDamaged; TrainingError where the feed cannot be read, the rules are not those of the snapshots
    that are there, or another process is taking some; and OSError.
    """
    deadline = time.monotonic() + order.wait
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    sync_folder(data)
    busy = f"another process is taking snapshots in {folder}; let it end, or name another folder with --data."
    with only_one(folder / "lock", otherwise=busy):
        for left_behind in folder.glob(f"{_ASIDE}*"):
            shutil.rmtree(left_behind)
        chain = snapshots(data)
        _check_rules(chain, rules)
        taker = _Taker(folder, feed, order, rules, chain=chain, deadline=deadline)
        taken = 0
        while taken != order.count and (snapshot := taker.next()) is not None:
            taken += 1
            yield snapshot
            if snapshot.manifest.consumed < order.size:  # the rest; what has come since is for another run
                break
        if taken < (order.count or 0) or taker.last is None:
            raise NothingToTrainOn(taker.too_few())


class _Taker:
    """Takes one snapshot after the other."""

    def __init__(
        self, folder: Path, feed: Feed, order: Order, rules: Rules, *, chain: list[Snapshot], deadline: float
    ) -> None:
        self._folder = folder
        self._feed = feed
        self._order = order
        self._rules = rules
        self._sieve = Sieve(kept_ids(chain), keep_ties=rules.keep_ties)
        self._deadline = deadline
        self._found = 0  # labels that the feed had behind the last snapshot, when there were too few
        self.last = chain[-1] if chain else None

    def next(self) -> Snapshot | None:
        """The next snapshot once it is on disk, or None where the feed has too few labels for one."""
        number = self.last.manifest.number + 1 if self.last else 1
        aside = self._folder / f"{_ASIDE}{name_of(number)}"
        aside.mkdir()
        manifest = self._write(aside, number=number)
        if manifest is None:
            shutil.rmtree(aside)
            return None
        published = self._folder / name_of(number)
        aside.rename(published)
        sync_folder(self._folder)
        self.last = Snapshot(folder=published, manifest=manifest)
        return self.last

    def too_few(self) -> str:
        """Why `next` gave nothing, and what to do."""
        where = f"behind snapshot {self._behind}" if self._behind else "so far"
        return (
            f"the feed has {self._found} {'label' if self._found == 1 else 'labels'} {where}, and a snapshot takes "
            f"{self._order.size}. Judge more pairs and wait for their labels with --wait SECONDS"
            + (", or take what there is with --rest." if self._found else ".")
        )

    @property
    def _behind(self) -> str | None:
        return name_of(self.last.manifest.number) if self.last else None

    def _write(self, aside: Path, *, number: int) -> Manifest | None:
        """Write the files, on disk when this returns; None, and no manifest, where there are too few labels."""
        cursor = self.last.manifest.cursor if self.last else None
        with whole_file(aside / TRAIN) as train, whole_file(aside / HELDOUT) as heldout:
            contents = Contents(train, heldout, sieve=self._sieve, rules=self._rules)
            try:
                for page in pages(self._feed, after=cursor, most=self._order.size, deadline=self._deadline):
                    contents.add(page.labels)
                    cursor = page.cursor
            except SelfrefError as error:
                raise training_error(error, behind=self._behind) from error
            files = contents.close()
        if cursor is None or contents.consumed < (1 if self._order.rest else self._order.size):
            self._found = contents.consumed
            return None
        previous = self.last.digest if self.last else None
        manifest = contents.manifest(files, number=number, previous=previous, cursor=cursor, size=self._order.size)
        write_synced(aside / MANIFEST, manifest.encode())
        sync_folder(aside)
        return manifest


def _check_rules(chain: list[Snapshot], rules: Rules) -> None:
    if not chain:
        return
    there = Rules(heldout_share=chain[-1].manifest.heldout_share, keep_ties=chain[-1].manifest.keep_ties)
    if there != rules:
        raise TrainingError(
            f"the snapshots in {chain[-1].folder.parent} were taken with --heldout-share {there.heldout_share:g} and "
            f"{'with' if there.keep_ties else 'without'} --keep-ties. Go on in the same way, or start a new data "
            "folder with --data: prompts that were held out must never be trained on."
        )
