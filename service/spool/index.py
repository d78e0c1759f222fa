"""The pairs of an upload by their number: each as the work that stands for it, without reading the others."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from selfref.messages import Check, Lane, Work
from service import admission
from service.spool.folder import JobFolder, Manifest
from service.spool.lines import parse_line
from service.spool.records import RECORD_SIZE, TWIN_SIZE, Kind, Record, Twin


def pair_id(job_id: str, number: int) -> str:
    """The id of a pair of a job."""
    return f"{job_id}.{number}"


def pair_number(pair_id: str) -> int:
    """The number in a pair's id; raises ValueError for the id of something else."""
    return int(pair_id.rpartition(".")[2])


class PairIndex:
    """An upload whose lines have been read; holds three open files and no content."""

    def __init__(self, folder: JobFolder) -> None:
        """Raises FileNotFoundError before the lines have been read, or once the job has been deleted."""
        self._open: list[int] = []
        try:
            self._upload, self._pairs, self._twins = map(self._opened, (folder.upload, folder.pairs, folder.twins))
        except OSError:
            self.close()
            raise
        self._records = os.fstat(self._pairs).st_size // RECORD_SIZE

    def _opened(self, path: Path) -> int:
        self._open.append(os.open(path, os.O_RDONLY))
        return self._open[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._records

    def close(self) -> None:
        """Closing twice is fine."""
        while self._open:
            os.close(self._open.pop())

    def record(self, number: int) -> Record:
        """Raises IndexError where there is no such pair."""
        if not 0 <= number < self._records:
            raise IndexError(number)
        return Record.unpack(os.pread(self._pairs, RECORD_SIZE, number * RECORD_SIZE))

    def records(self, first: int, count: int) -> list[Record]:
        """Up to `count` records from number `first` on, in one read; empty past the end."""
        packed = os.pread(self._pairs, max(0, count) * RECORD_SIZE, first * RECORD_SIZE)
        return [Record.unpack(packed[at : at + RECORD_SIZE]) for at in range(0, len(packed), RECORD_SIZE)]

    def twins(self, record: Record) -> Iterator[Twin]:
        """The later lines that hold the record's comparison, in their order."""
        number = record.first_twin
        for _ in range(record.twins):
            twin = Twin.unpack(os.pread(self._twins, TWIN_SIZE, number * TWIN_SIZE))
            yield twin
            number = twin.next

    def line_of(self, record: Record | Twin) -> bytes:
        """The line as it was sent, without its ending."""
        return os.pread(self._upload, record.size, record.offset)

    def work(self, number: int, manifest: Manifest) -> Work:
        """The pair on its way to a worker, the same whenever it is asked for; raises IndexError.

        A hidden check has no `custom_id`: it is nobody's line.
        """
        record = self.record(number)
        line = parse_line(self.line_of(record), manifest.options)
        work = admission.work_of(line, judgment_id=pair_id(manifest.job_id, number), tenant=manifest.tenant)
        comparison = work.comparison
        if record.kind is Kind.SAME_ANSWERS:
            comparison = comparison.model_copy(update={"answer_b": comparison.answer_a})
        hidden = record.kind in (Kind.SAME_ANSWERS, Kind.REPEAT)
        return work.model_copy(
            update={
                "lane": Lane.BATCH,
                "comparison": comparison,
                "custom_id": None if hidden else work.custom_id,
                "job_id": manifest.job_id,
                "check": _check(record),
                "repeated": record.repeated,
                "created_at": manifest.created_at,
            }
        )


def _check(record: Record) -> Check | None:
    if record.kind is Kind.SAME_ANSWERS:
        return Check(kind="aa", of=record.of)
    if record.kind is Kind.REPEAT:
        return Check(kind="repeat", of=record.of)
    if record.kind is Kind.GOLD:
        return Check(kind="gold", better=record.better)
    return None
