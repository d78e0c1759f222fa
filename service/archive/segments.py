"""Segments of sequences as files of JSON lines, in a folder or in any store that fsspec knows (s3://, gs://, ...).

    labels/<tenant>/<first position>.<random>.jsonl
    jobs/<job id>/results/...      jobs/<job id>/failures/...

A line is the document as it was stored, with its `position` in the sequence in front. A file is written once, whole and
durably, before Redis names it; one that Redis does not name is the left-over of a crash and holds nothing that counts.
"""

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from selfref.durable import sync_folder, write_synced
from selfref.store import ArchiveUnavailable, Entry, Position, Segment

_NEAR = 64 * 1024  # bytes that are read through rather than bisected further
_LINE = re.compile(rb'\{"position":"(\d+-\d+)",')


class SegmentArchive:
    """Writes, reads and removes segments; every method raises ArchiveUnavailable."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet. Raises ValueError for a URL that fsspec cannot use here."""
        self._url = url
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ValueError(f"{url}: {error}") from error
        # Drivers of remote stores raise what their libraries raise, and those errors have no class in common.
        self._failures = OSError if isinstance(self._files, LocalFileSystem) else Exception

    async def write(self, sequence: str, entries: Sequence[Entry]) -> Segment:
        """A new segment of these entries, on disk when this returns."""
        first, last = entries[0][0], entries[-1][0]
        file = f"{_folder(sequence)}/{first}.{os.urandom(4).hex()}.jsonl"
        content = b"".join(
            b'{"position":"%b",%b\n' % (str(position).encode(), document[1:]) for position, document in entries
        )
        await self._in_thread(self._write, file, content)
        return Segment(file=file, first=first, last=last, count=len(entries))

    async def read(self, segment: Segment, *, after: Position, limit: int) -> list[Entry]:
        """Up to `limit` entries of the segment behind a position."""
        entries: list[Entry] = await self._in_thread(self._read, segment.file, after, limit)
        return entries

    async def remove(self, files: Sequence[str]) -> None:
        """Remove these; a file that is not there is removed already."""
        await self._in_thread(self._remove, files)

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(work, *arguments)
        except ArchiveUnavailable:
            raise
        except self._failures as error:
            raise ArchiveUnavailable(f"the archive at {self._url} does not serve: {error}") from error

    def _write(self, file: str, content: bytes) -> None:
        path = f"{self._root}/{file}"
        if isinstance(self._files, LocalFileSystem):
            _write_durably(Path(path), content)
        else:
            self._files.pipe_file(path, content)

    def _read(self, file: str, after: Position, limit: int) -> list[Entry]:
        path = f"{self._root}/{file}"
        entries: list[Entry] = []
        with self._files.open(path, "rb") as lines:
            _seek_behind(lines, after, size=self._files.size(path))
            for line in lines:
                if len(entries) == limit:
                    break
                position, document = _entry(line)
                if position > after:
                    entries.append((position, document))
        return entries

    def _remove(self, files: Sequence[str]) -> None:
        for file in files:
            try:
                self._files.rm_file(f"{self._root}/{file}")
            except FileNotFoundError:
                continue


def _folder(sequence: str) -> str:
    """Where a sequence's segments lie: `labels:acme` in labels/acme, `results:job-1` in jobs/job-1/results."""
    kind, _, owner = sequence.partition(":")
    return f"labels/{owner}" if kind == "labels" else f"jobs/{owner}/{kind}"


def _write_durably(path: Path, content: bytes) -> None:
    """A new file that is on disk with its name and its folders' when this returns, or nothing."""
    for folder in [*reversed(path.parents)]:
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
    aside = path.with_name(f"{path.name}.part")
    try:
        write_synced(aside, content)
        aside.rename(path)
    except OSError:  # a full disk, as a rule: what was begun must not fill it further at every try
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _entry(line: bytes) -> Entry:
    found = _LINE.match(line)
    if found is None or not line.endswith(b"\n"):
        raise ArchiveUnavailable("a segment of the archive holds a line that is no entry; was it changed by hand?")
    return Position.parse(found[1].decode()), b"{" + line[found.end() : -1]


def _seek_behind(lines: BinaryIO, after: Position, *, size: int) -> None:
    """To the start of some line such that all lines before it lie at or before a position: bisection over bytes."""
    low, high = 0, size  # `low` is the start of a line
    while high - low > _NEAR:
        middle = (low + high) // 2
        lines.seek(middle)
        lines.readline()
        start = lines.tell()
        line = lines.readline()
        if not line or start >= high:
            high = middle
        elif _entry(line)[0] <= after:
            low = start
        else:
            high = middle
    lines.seek(low)
