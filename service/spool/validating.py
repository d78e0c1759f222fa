"""Every line of an upload into exactly one place: a pair, a twin of an earlier pair, a gold pair or the refused lines.

Reads the upload once, in slices, with memory that does not depend on its size, and publishes an index at the end. The
outcome depends on the upload and its manifest alone, so whoever starts again after a crash ends with the same files.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from selfref.messages import JobLine, LineCounts, LineError
from service.errors import Refusal
from service.spool.building import Building
from service.spool.checks import Draw
from service.spool.folder import JobFolder, UploadDamaged, Validated
from service.spool.lines import duplicate_id, line_error, parse_line, read_line, sameness, too_long
from service.spool.reading import Line, lines
from service.spool.records import Kind, Record, Twin
from service.spool.table import Place, Search, Table

MOST_LINE_BYTES = 1_000_000
_SHORTEST_LINE = len('{"prompt":"p","answer_a":"","answer_b":""}\n')
_BUFFER = 1024 * 1024  # bytes of the upload read at once


class Validator:
    """One reading of an upload. Everything here blocks on the disk for as long as a slice takes."""

    def __init__(
        self, folder: JobFolder, *, most_line_bytes: int = MOST_LINE_BYTES, hashed: Callable[[object], int] = hash
    ) -> None:
        """Raises UploadDamaged where the upload is not what was received, FileNotFoundError where it is deleted.

        `hashed` decides how fast earlier lines are found, never which.
        """
        self.manifest = folder.manifest()
        self._most = most_line_bytes
        self._pairs = self._gold = 0
        self._checks = {Kind.SAME_ANSWERS: 0, Kind.REPEAT: 0}
        with ExitStack() as opened:
            self._upload = opened.enter_context(folder.upload.open("rb", buffering=_BUFFER))
            size = os.fstat(self._upload.fileno()).st_size
            if size != self.manifest.bytes:
                raise UploadDamaged(f"{folder.upload} has {size} bytes; {self.manifest.bytes} were received")
            most_pairs = min(self.manifest.newlines, size // _SHORTEST_LINE) + 1
            self._index = opened.enter_context(Building(folder))
            self._ids = opened.enter_context(Table(self._index.aside.path, most=most_pairs, hashed=hashed))
            self._seen = opened.enter_context(Table(self._index.aside.path, most=most_pairs, hashed=hashed))
            self._opened = opened.pop_all()
        self._lines = lines(self._upload, most_bytes=most_line_bytes)
        self._draw = Draw(self.manifest.job_id, share=self.manifest.options.canaries, most_pairs=most_pairs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def step(self, most_lines: int) -> Validated | None:
        """Read up to so many more lines; once there are none, publish the index and say what came of it.

        A line that is over the limit counts once for each megabyte. Raises OSError where the disk is full; nothing has
        been published then, and a new Validator can try again.
        """
        for _ in range(most_lines):
            try:
                line = next(self._lines)
            except StopIteration:
                return self._finish()
            if line is not None:
                self._take(line)
        return None

    def close(self) -> None:
        """Remove what has not been published."""
        self._opened.close()

    def _take(self, line: Line) -> None:
        if line.text is None:
            self._refuse(line, too_long(line.size, most=self._most), custom_id=None)
        elif line.text.strip():
            read = read_line(line.text, number=line.number, options=self.manifest.options)
            if isinstance(read, LineError):
                self._index.refuse(read)
            else:
                self._place(line, read)

    def _place(self, line: Line, read: JobLine) -> None:
        place = Place(line.offset, line.size, line.number)
        if read.custom_id is not None:
            search = self._ids.search(read.custom_id)
            first = self._confirmed(search, lambda earlier: earlier.custom_id == read.custom_id)
            if first is not None:
                self._refuse(line, duplicate_id(first.number), custom_id=read.custom_id)
                return
            self._ids.add(search, place)
        if read.gold is not None:
            self._index.add(Record(*place, Kind.GOLD, better=read.gold))
            self._gold += 1
            return
        same = sameness(read)
        search = self._seen.search(same)
        first = self._confirmed(search, lambda earlier: sameness(earlier) == same)
        if first is not None:
            self._index.add_twin(first.number, Twin(*place))
        else:
            self._seen.add(search, place._replace(number=self._add_pair(place)))

    def _add_pair(self, place: Place) -> int:
        for check in self._draw.due(self._index.records):
            self._add_check(check)
        chosen = self._draw.kind_of_next()
        number = self._index.add(Record(*place, Kind.PAIR, repeated=chosen is Kind.REPEAT))
        if chosen is not None:
            self._draw.put_off(Record(*place, chosen, of=number))
        self._pairs += 1
        return number

    def _add_check(self, check: Record) -> None:
        self._index.add(check)
        self._checks[check.kind] += 1

    def _confirmed(self, search: Search, equal: Callable[[JobLine], bool]) -> Place | None:
        """The place whose line, read back, is equal indeed."""
        for place in search.places:
            text = os.pread(self._upload.fileno(), place.size, place.offset)
            if equal(parse_line(text, self.manifest.options)):
                return place
        return None

    def _refuse(self, line: Line, refusal: Refusal, *, custom_id: str | None) -> None:
        self._index.refuse(line_error(refusal, number=line.number, custom_id=custom_id))

    def _finish(self) -> Validated:
        for check in self._draw.rest():
            self._add_check(check)
        counts = (self._pairs, self._index.twins, self._gold, self._index.refused)
        pairs, duplicates, gold, refused = counts
        validated = Validated(
            lines=LineCounts(total=sum(counts), pairs=pairs, duplicates=duplicates, gold=gold, refused=refused),
            records=self._index.records,
            same_answers=self._checks[Kind.SAME_ANSWERS],
            repeats=self._checks[Kind.REPEAT],
        )
        self._index.publish(validated)
        return validated
