"""Moves the older part of every sequence from Redis to the archive."""

import structlog

from selfref.messages import now
from selfref.store import Backlog, Store
from service.archive import SegmentArchive
from service.clock import milliseconds
from service.keeper import metrics

SEGMENT = 5000  # entries of one segment, at most
GARBAGE = 100  # files removed by one call

log = structlog.get_logger()


class Archiving:
    """Archives what is due; `archive` is called again and again."""

    def __init__(self, store: Store, archive: SegmentArchive, *, after: float, entries: int) -> None:
        """An entry is due `after` seconds after it was made, and all of a sequence once it holds `entries` of them."""
        self._store = store
        self._archive = archive
        self._after = after
        self._entries = entries

    async def archive(self) -> bool:
        """Write one segment of each sequence that has something due. True when there may be more.

        Raises StoreUnavailable, and ArchiveUnavailable.
        """
        more, idle = False, []
        for keys in self._store.shards:
            backlogs = await self._store.sequences.backlogs(keys)
            metrics.UNARCHIVED.set(sum(each.length for each in backlogs))
            for backlog in backlogs:
                if backlog.oldest is None:
                    idle.append(backlog)
                elif self._is_due(backlog):
                    more |= await self._one_segment(backlog)
        await self._forget(idle)
        return more

    async def remove_garbage(self) -> None:
        """Remove files that belong to nothing any more. Raises StoreUnavailable, and ArchiveUnavailable."""
        for keys in self._store.shards:
            if files := await self._store.sequences.garbage(keys, limit=GARBAGE):
                await self._archive.remove(files)
                await self._store.sequences.removed(keys, files)

    def _is_due(self, backlog: Backlog) -> bool:
        age = milliseconds(now()) - (backlog.oldest or 0)
        return backlog.length >= self._entries or age >= self._after * 1000

    async def _one_segment(self, backlog: Backlog) -> bool:
        keys = self._store.shards[backlog.shard]
        entries = await self._store.sequences.oldest(keys, backlog.name, limit=SEGMENT)
        if not entries:
            return False
        segment = await self._archive.write(backlog.name, entries)
        if await self._store.sequences.archived(keys, backlog.name, segment):
            metrics.ARCHIVED.inc(segment.count)
            log.info("archived", sequence=backlog.name, entries=segment.count, file=segment.file)
            return len(entries) == SEGMENT
        await self._archive.remove([segment.file])
        return False

    async def _forget(self, idle: list[Backlog]) -> None:
        """Look no more at sequences of jobs that have ended; label feeds are looked at for ever."""
        for each in idle:
            kind, _, owner = each.name.partition(":")
            if kind != "labels":
                await self._store.sequences.forget(self._store.shards[each.shard], each.name, job_id=owner)
