"""What a job puts on its ready list: every record of its index once, then the failed pairs of each retry."""

import asyncio
import os
from array import array
from pathlib import Path

import orjson

from selfref.durable import sync_folder, write_synced
from selfref.messages import Preset, Work
from selfref.store import Retry, Store, StoredJob, ready_item
from service.spool.folder import JobFolder, Manifest
from service.spool.index import PairIndex, pair_number

PAPER_ROUNDS = 4  # critiques of a pair under the authors' protocol
AUTO_VOTES = 2  # critiques in each order; measured means are 1 to 3 (docs/quality.md)
PAGE = 1000  # failures read at once


class Plan:
    """The plan of one running job; places count from 0."""

    def __init__(self, folder: JobFolder) -> None:
        """Raises FileNotFoundError where the job's files are gone."""
        self._folder = folder
        self._manifest: Manifest = folder.manifest()
        self._index = PairIndex(folder)
        self._again: array[int] = array("I")  # numbers of the pairs that retries added, in their order
        self._retries = 0  # how many retries these come from

    @property
    def bytes_per_pair(self) -> int:
        """The mean size of a line."""
        return max(1, self._manifest.bytes // max(1, len(self._index)))

    async def items(self, store: Store, job: StoredJob, *, count: int) -> list[bytes]:
        """The next pairs of the plan behind its place, ready to be enqueued. Raises StoreUnavailable."""
        through = min(job.planned, job.fed + count)
        if through > len(self._index) + len(self._again):
            await self._look_up_retries(store, job)
        return await asyncio.to_thread(self._build, job.fed, through)

    def close(self) -> None:
        """Let go of the files."""
        self._index.close()

    def _build(self, start: int, stop: int) -> list[bytes]:
        return [self._item(self._number(place)) for place in range(start, stop)]

    def _number(self, place: int) -> int:
        return place if place < len(self._index) else self._again[place - len(self._index)]

    def _item(self, number: int) -> bytes:
        work = self._index.work(number, self._manifest)
        return ready_item(number, cost=cost_of(work), work=work)

    async def _look_up_retries(self, store: Store, job: StoredJob) -> None:
        for number, retry in enumerate(await store.jobs.retries(job.id)):
            if number >= self._retries:
                self._again.extend(await self._failed_pairs(store, job, retry, number=number))
                self._retries += 1

    async def _failed_pairs(self, store: Store, job: StoredJob, retry: Retry, *, number: int) -> list[int]:
        """Which pairs a retry has taken up: read once from the failures, then from the file that keeps them."""
        file = self._folder.path / f"again-{number}.json"
        if file.exists():
            kept: list[int] = orjson.loads(await asyncio.to_thread(file.read_bytes))
            return kept
        pairs: list[int] = []
        after = retry.after
        while after < retry.through:
            page = await store.jobs.failures(job.id, after=after, limit=PAGE)
            pairs += [
                pair_number(orjson.loads(document)["id"]) for position, document in page if position <= retry.through
            ]
            after = page[-1][0] if page else retry.through
        await asyncio.to_thread(_keep, file, orjson.dumps(pairs))
        return pairs


def _keep(file: Path, content: bytes) -> None:
    """The same content whoever writes it, so whoever is last may win."""
    aside = file.with_suffix(f".{os.urandom(4).hex()}")
    write_synced(aside, content)
    aside.replace(file)
    sync_folder(file.parent)


def cost_of(work: Work) -> int:
    """Critiques in each order: what a pair takes of its tenant's turn. What votes `auto` will take is not known yet."""
    if work.preset is Preset.PAPER:
        return PAPER_ROUNDS
    return min(AUTO_VOTES, work.max_votes) if work.votes == "auto" else work.votes
