"""Jobs as the service tells of them, made up."""

from datetime import UTC, datetime
from typing import Any

from selfref.messages import Job, JobCounts, JobOptions, JobStatus, LineCounts, Usage

THEN = datetime(2026, 1, 1, tzinfo=UTC)
JOB = Job(
    id="job-0123456789abcdef01234567",
    name=None,
    status=JobStatus.RUNNING,
    created_at=THEN,
    started_at=THEN,
    ended_at=None,
    options=JobOptions(),
    bytes=1000,
    lines=LineCounts(total=10, pairs=10, duplicates=0, gold=0, refused=0),
    counts=JobCounts(submitted=10, waiting=10),
    usage=Usage(),
    pairs_per_second=None,
    eta_seconds=None,
    errors=(),
    reason=None,
    reliability=None,
)


def job(**changes: Any) -> Job:
    """The job, but for some fields."""
    return JOB.model_copy(update=changes)


def at(decided: int, *, of: int = 10) -> Job:
    """The job once so many of its pairs are decided; completed where these are all."""
    counts = JobCounts(submitted=of, decided=decided, waiting=of - decided)
    status = JobStatus.COMPLETED if decided == of else JobStatus.RUNNING
    return job(counts=counts, status=status, ended_at=THEN if decided == of else None)
