"""Where uploads lie: a folder for each job on a disk that gateways and keepers share.

    <spool>/
    ├── .receiving/<random>/   an upload that is still being sent
    ├── .deleted/<random>/     a job on its way out
    └── <job id>/
        ├── upload.jsonl       the lines as they were sent, decompressed
        ├── job.json           `Manifest`
        ├── pairs.bin, twins.bin, refused.jsonl, validation.json   once its lines have been read
        ├── accepted           once Redis knows the job
        ├── canceled           once its cancel was answered
        └── ended              while the job has ended

A folder gets its job's name only when it is whole and on disk, so what can be found under a job id can be relied on.
Everything here blocks until the disk has answered: call it in a thread.
"""

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from selfref.durable import sync_folder, write_synced
from selfref.messages import JobOptions, LineCounts
from selfref.messages.message import Message
from service.spool.room import room_needed

JOB_ID = re.compile(r"job-[0-9a-f]{24}")
_RECEIVING = ".receiving"
_DELETED = ".deleted"


class UploadDamaged(Exception):
    """The upload on disk is not what was received; only whoever looks after the disk can say why."""


class Manifest(Message):
    """What is known of an upload once it has been received, and never changes."""

    version: Literal[1] = 1
    job_id: str
    tenant: str
    created_at: datetime
    options: JobOptions
    bytes: int  # decompressed, as `sha256` and `newlines`
    newlines: int
    sha256: str

    @property
    def fingerprint(self) -> str:
        """Equal for uploads of the same bytes with the same options.

        A budget that was not given is left out, so that uploads from before there was one keep their fingerprint.
        """
        unsaid = {"max_votes"} if self.options.max_votes is None else None
        options = self.options.model_dump_json(exclude=unsaid)
        return hashlib.sha256(f"{self.sha256}\n{options}".encode()).hexdigest()


class Validated(Message):
    """What reading the lines of an upload came to; the index holds `records`, numbered from 0."""

    version: Literal[1] = 1
    lines: LineCounts
    records: int  # pairs, gold pairs and hidden checks
    same_answers: int  # hidden checks that show an answer twice
    repeats: int  # hidden checks that are an earlier pair once more

    @property
    def checks(self) -> int:
        """Records that say something of the judge and make no label."""
        return self.same_answers + self.repeats + self.lines.gold


@dataclass(frozen=True)
class JobFolder:
    """The files of one upload."""

    path: Path

    @property
    def upload(self) -> Path:
        """The lines as they were sent."""
        return self.path / "upload.jsonl"

    @property
    def pairs(self) -> Path:
        """Fixed-size records, one for each comparison to judge."""
        return self.path / "pairs.bin"

    @property
    def twins(self) -> Path:
        """Fixed-size records of the later lines that hold an earlier line's comparison."""
        return self.path / "twins.bin"

    @property
    def refused(self) -> Path:
        """A LineError for each line that was refused, in their order."""
        return self.path / "refused.jsonl"

    @property
    def validation(self) -> Path:
        """`Validated`; written last, so that its presence says that the others are whole."""
        return self.path / "validation.json"

    def manifest(self) -> Manifest:
        """What was received; raises FileNotFoundError where the job has been deleted."""
        return Manifest.model_validate_json(self._manifest.read_bytes())

    def write_manifest(self, manifest: Manifest) -> None:
        """Raises FileExistsError where there is one, OSError where the disk cannot take it."""
        write_synced(self._manifest, manifest.model_dump_json().encode())

    def validated(self) -> Validated | None:
        """What reading the lines came to; None before they have all been read."""
        try:
            return Validated.model_validate_json(self.validation.read_bytes())
        except FileNotFoundError:
            return None

    @property
    def accepted(self) -> bool:
        """Whether Redis knows the job; where it is False, a gateway may have died before it told Redis."""
        return self._accepted.exists()

    def mark_accepted(self) -> None:
        """Doing so twice changes nothing."""
        self._accepted.touch()
        sync_folder(self.path)

    @property
    def ended(self) -> bool:
        """Whether the job has ended, so that it must not begin again where Redis has forgotten it."""
        return self._ended.exists()

    def mark_ended(self) -> None:
        """Doing so twice changes nothing."""
        self._ended.touch()
        sync_folder(self.path)

    @property
    def canceled(self) -> bool:
        """Whether the job's cancel was answered, so that it must hold where Redis has forgotten it."""
        return self._canceled.exists()

    def mark_canceled(self) -> None:
        """Doing so twice changes nothing."""
        self._canceled.touch()
        sync_folder(self.path)

    def mark_open(self) -> None:
        """The job runs again; doing so twice changes nothing."""
        self._ended.unlink(missing_ok=True)
        sync_folder(self.path)

    @property
    def _manifest(self) -> Path:
        return self.path / "job.json"

    @property
    def _accepted(self) -> Path:
        return self.path / "accepted"

    @property
    def _ended(self) -> Path:
        return self.path / "ended"

    @property
    def _canceled(self) -> Path:
        return self.path / "canceled"


class Spool:
    """All uploads of a deployment."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def begin(self) -> JobFolder:
        """An empty folder for an upload that is about to be received; raises SpoolFull."""
        with room_needed():
            if not self.root.exists():
                self.root.mkdir(parents=True, exist_ok=True)
                sync_folder(self.root.parent)
            path = self.root / _RECEIVING / os.urandom(8).hex()
            path.mkdir(parents=True)
            return JobFolder(path)

    def keep(self, received: JobFolder, manifest: Manifest) -> JobFolder:
        """Give an upload its job's name, for good; raises FileExistsError where the job is there, or SpoolFull.

        The upload itself must be on disk already. After a failure the received folder is still there, to be dropped.
        """
        kept = self.job(manifest.job_id)
        with room_needed():
            received.write_manifest(manifest)
            try:
                received.path.rename(kept.path)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    raise FileExistsError(error.errno, "this job is spooled already", str(kept.path)) from error
                raise
            sync_folder(self.root)
        return kept

    def drop(self, received: JobFolder) -> None:
        """Remove what was received and will not be kept; removing it twice is fine."""
        shutil.rmtree(received.path, ignore_errors=True)

    def job(self, job_id: str) -> JobFolder:
        """The folder of a job, which need not exist; raises ValueError for what is no job id."""
        if not JOB_ID.fullmatch(job_id):
            raise ValueError("not a job id")
        return JobFolder(self.root / job_id)

    def jobs(self) -> Iterator[JobFolder]:
        """Every job on disk, in no order."""
        for path in self.root.iterdir() if self.root.exists() else ():
            if JOB_ID.fullmatch(path.name):
                yield JobFolder(path)

    def delete(self, job_id: str) -> None:
        """Remove a job; it is gone at once or not at all, and removing it twice is fine."""
        graveyard = self.root / _DELETED
        graveyard.mkdir(parents=True, exist_ok=True)
        grave = graveyard / os.urandom(8).hex()
        try:
            self.job(job_id).path.rename(grave)
        except FileNotFoundError:
            return
        sync_folder(self.root)
        shutil.rmtree(grave, ignore_errors=True)

    def sweep(self, *, idle: float) -> int:
        """Remove what died half received or half deleted; returns how many folders.

        A folder counts as dead when nothing has been written into its upload for `idle` seconds, so `idle` must be
        longer than a gateway waits for a stalled sender.
        """
        swept = 0
        for parent in (self.root / _RECEIVING, self.root / _DELETED):
            for path in parent.iterdir() if parent.exists() else ():
                if time.time() - _last_written(JobFolder(path)) > idle:
                    shutil.rmtree(path, ignore_errors=True)
                    swept += 1
        return swept


def _last_written(folder: JobFolder) -> float:
    for path in (folder.upload, folder.path):
        try:
            return path.stat().st_mtime
        except FileNotFoundError:
            continue
    return time.time()  # gone in the meantime: nothing to remove
