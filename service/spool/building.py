"""The index of an upload while it grows, in a folder of its own beside the files that it becomes.

Two keepers may build the same index, one of them not knowing yet that it was taken for dead: each has its own folder,
both make the same files, and the later one changes nothing.
"""

import os
import shutil
from typing import BinaryIO, Self

from selfref.durable import sync_folder, write_synced
from selfref.messages import LineError
from service.spool.folder import JobFolder, Validated
from service.spool.records import RECORD_SIZE, TWIN_SIZE, Record, Twin

_ASIDE = ".reading-"


class Building:
    """Files that nobody reads before `publish`."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self.aside = JobFolder(folder.path / f"{_ASIDE}{os.urandom(4).hex()}")
        self.aside.path.mkdir()
        self._pairs: BinaryIO = self.aside.pairs.open("x+b", buffering=0)
        self._twins: BinaryIO = self.aside.twins.open("x+b", buffering=0)
        self._refused = self.aside.refused.open("xb", buffering=64 * 1024)
        self.records = 0
        self.twins = 0
        self.refused = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def add(self, record: Record) -> int:
        """The record's number."""
        self._pairs.write(record.pack())
        self.records += 1
        return self.records - 1

    def add_twin(self, number: int, twin: Twin) -> None:
        """One more line for the comparison of the record of this number; lines come in their order."""
        pairs, twins = self._pairs.fileno(), self._twins.fileno()
        record = Record.unpack(os.pread(pairs, RECORD_SIZE, number * RECORD_SIZE))
        self._twins.write(twin.pack())
        if record.twins:
            before = record.last_twin * TWIN_SIZE
            last = Twin.unpack(os.pread(twins, TWIN_SIZE, before))
            os.pwrite(twins, last._replace(next=self.twins).pack(), before)
        first = record.first_twin if record.twins else self.twins
        longer = record._replace(twins=record.twins + 1, first_twin=first, last_twin=self.twins)
        os.pwrite(pairs, longer.pack(), number * RECORD_SIZE)
        self.twins += 1

    def refuse(self, error: LineError) -> None:
        """One more line for the error list; lines come in their order."""
        self._refused.write(error.model_dump_json().encode() + b"\n")
        self.refused += 1

    def publish(self, validated: Validated) -> None:
        """Put everything in its place, for good; whoever dies on the way, doing it all again ends the same.

        Raises FileNotFoundError where the job has been deleted.
        """
        for file in (self._twins, self._refused, self._pairs):
            file.flush()
            os.fsync(file.fileno())
        try:
            write_synced(self.aside.validation, validated.model_dump_json().encode())
            self.aside.twins.rename(self._folder.twins)
            self.aside.refused.rename(self._folder.refused)
            self.aside.pairs.rename(self._folder.pairs)
            sync_folder(self._folder.path)
            self.aside.validation.rename(self._folder.validation)
            sync_folder(self._folder.path)
        except FileNotFoundError:
            if self._folder.validated() is None:
                raise
            return  # the other keeper was faster, and has tidied up
        for aside in self._folder.path.glob(f"{_ASIDE}*"):
            shutil.rmtree(aside, ignore_errors=True)

    def close(self) -> None:
        """Remove what was not published."""
        for file in (self._twins, self._refused, self._pairs):
            file.close()
        shutil.rmtree(self.aside.path, ignore_errors=True)
