"""Sequences of JSON documents whose older part is archived: read as one, and moved on from one part to the other.

The newer part is a Redis stream, the older one a row of immutable segments. Archiving registers a segment and removes
its entries from the stream in one step, so a position means the same before and after, and no reader sees an entry
twice or not at all. What a segment's file looks like is the archive's business (`Archive`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from selfref.store.cursor import Position
from selfref.store.documents import unpack
from selfref.store.errors import ArchiveUnavailable
from selfref.store.keys import Keys
from selfref.store.pipeline import Pipeline
from selfref.store.wire import Command

Entry = tuple[Position, bytes]  # where a document stands in its sequence, and the document
MAX_ENTRIES = 1000  # entries read from Redis at once


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the archive that holds `count` entries of one sequence, from `first` to `last`."""

    file: str
    first: Position
    last: Position
    count: int

    def encode(self) -> bytes:
        """As Redis keeps it; equal segments are equal bytes."""
        return orjson.dumps({"first": str(self.first), "last": str(self.last), "count": self.count, "file": self.file})

    @classmethod
    def decode(cls, text: bytes) -> "Segment":
        """From what `encode` made."""
        fields = orjson.loads(text)
        first, last = Position.parse(fields["first"]), Position.parse(fields["last"])
        return cls(file=fields["file"], first=first, last=last, count=fields["count"])


class Archive(Protocol):
    """Where segments lie."""

    async def read(self, segment: Segment, *, after: Position, limit: int) -> list[Entry]:
        """Up to `limit` entries of the segment behind a position. Raises ArchiveUnavailable."""


class NoArchive:
    """For a process that was not told where the archive is: it can read only what Redis holds."""

    async def read(self, segment: Segment, *, after: Position, limit: int) -> list[Entry]:
        """Raises ArchiveUnavailable."""
        raise ArchiveUnavailable(
            f"what is asked for is archived in {segment.file}; set SELFREF_ARCHIVE_URL as the keeper has it"
        )


@dataclass(frozen=True, slots=True)
class Backlog:
    """What of a sequence is still in Redis: how many entries, and the time (ms since 1970) of the oldest."""

    shard: int
    name: str
    length: int
    oldest: int | None


class Sequences:
    """Every method raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, *, archive: Archive) -> None:
        self._pipeline = pipeline
        self._archive = archive

    async def read(self, keys: Keys, name: str, *, after: Position, limit: int) -> list[Entry]:
        """Up to `limit` entries behind a position, in order; none at the present end.

        Raises ArchiveUnavailable and DocumentUnreadable.
        """
        entries: list[Entry] = []
        while len(entries) < limit:
            wanted = min(limit - len(entries), MAX_ENTRIES)
            segment, page = await self._pipeline.run(
                "page", keys=[keys.sequence(name), keys.segments(name)], args=[str(after), wanted]
            )
            if segment is None:
                found = await _unpacked(page)
            else:
                found = await self._read_archived(Segment.decode(segment), after=after, limit=wanted)
            entries += found
            if not found or (segment is None and len(found) < wanted):
                break
            after = entries[-1][0]
        return entries

    async def oldest(self, keys: Keys, name: str, *, limit: int) -> list[Entry]:
        """The first entries that are not archived yet. Raises DocumentUnreadable."""
        page = await self._pipeline.call("XRANGE", keys.sequence(name), "-", "+", "COUNT", limit)
        return await _unpacked(page)

    async def archived(self, keys: Keys, name: str, segment: Segment) -> bool:
        """Make a written segment part of the sequence, in place of its entries.

        False when they are not the oldest any more: another keeper was first, and the file is of no use.
        """
        onward = Position(segment.last.milliseconds, segment.last.sequence + 1)
        return bool(
            await self._pipeline.run(
                "archive",
                keys=[keys.sequence(name), keys.segments(name)],
                args=[str(segment.first), str(segment.last), segment.encode(), segment.last.milliseconds, str(onward)],
            )
        )

    async def backlogs(self, keys: Keys) -> list[Backlog]:
        """Every sequence of a shard that may have something to archive."""
        names = sorted(name.decode() for name in await self._pipeline.call("SMEMBERS", keys.unarchived))
        commands: list[Command] = []
        for name in names:
            commands += [("XLEN", keys.sequence(name)), ("XRANGE", keys.sequence(name), "-", "+", "COUNT", 1)]
        replies = await self._pipeline.calls(commands)
        return [
            Backlog(
                shard=keys.shard,
                name=name,
                length=length,
                oldest=Position.parse(first[0][0].decode()).milliseconds if first else None,
            )
            for name, length, first in zip(names, replies[::2], replies[1::2], strict=True)
        ]

    async def forget(self, keys: Keys, name: str, *, job_id: str) -> None:
        """Look no more for something to archive in a sequence of a job that does not run."""
        await self._pipeline.run("forget", keys=[keys.unarchived, keys.job(job_id)], args=[name])

    async def segments(self, keys: Keys, name: str) -> list[Segment]:
        """All archived segments, oldest first."""
        return [Segment.decode(each) for each in await self._pipeline.call("ZRANGE", keys.segments(name), 0, -1)]

    async def garbage(self, keys: Keys, *, limit: int) -> list[str]:
        """Files of the archive that belong to no sequence any more."""
        return [file.decode() for file in await self._pipeline.call("SRANDMEMBER", keys.garbage, limit)]

    async def removed(self, keys: Keys, files: Sequence[str]) -> None:
        """These files are gone."""
        if files:
            await self._pipeline.call("SREM", keys.garbage, *files)

    async def _read_archived(self, segment: Segment, *, after: Position, limit: int) -> list[Entry]:
        found = await self._archive.read(segment, after=after, limit=limit)
        if not found:  # which a reader would take for the end
            raise ArchiveUnavailable(
                f"{segment.file} of the archive ends before {segment.last}, where it was written to; restore it"
            )
        return found


async def _unpacked(page: Sequence[tuple[bytes, list[bytes]]]) -> list[Entry]:
    """Entries of a stream, in a thread: a long page would hold up everybody else."""
    return await asyncio.to_thread(_unpack_all, page) if page else []


def _unpack_all(page: Sequence[tuple[bytes, list[bytes]]]) -> list[Entry]:
    return [(Position.parse(entry.decode()), unpack(fields[1])) for entry, fields in page]
