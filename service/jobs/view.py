"""A job as callers see it, put together from what Redis and the spool know of it."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import orjson
from starlette.responses import Response

from selfref.messages import Job, JobStatus, LineCounts, LineError, Reliability, now
from selfref.store import StoredJob
from service.clock import milliseconds, moment
from service.errors import NotFound
from service.gateway import Gateway
from service.jobs.line_errors import ErrorPlace, read_errors
from service.spool.folder import JOB_ID, Manifest

FIRST_ERRORS = 5  # shown with the job; the errors list has all
LEAST_SPAN = 1000  # milliseconds; a rate over less says nothing


async def own_job(gateway: Gateway, job_id: str, *, tenant: str) -> StoredJob:
    """This tenant's job; another's is as unknown as one that never was. Raises NotFound."""
    job = await gateway.store.jobs.get(job_id) if JOB_ID.fullmatch(job_id) else None
    if job is None or job.tenant != tenant:
        raise NotFound("unknown_job", "There is no job with this id, or it has been deleted.")
    return job


async def view(gateway: Gateway, stored: StoredJob) -> Job:
    """The job with its speed, its first errors and what its checks say. Raises StoreUnavailable."""
    manifest = Manifest.model_validate_json(stored.manifest)
    pace, checks, errors = await asyncio.gather(
        gateway.store.jobs.pace(stored.id), _reliability(gateway, stored), _first_errors(gateway, stored)
    )
    rate = _pairs_per_second(stored, pace)
    waiting = stored.counts.waiting
    return Job(
        id=stored.id,
        name=manifest.options.name,
        status=stored.status,
        created_at=manifest.created_at,
        started_at=None if stored.started is None else moment(stored.started),
        ended_at=None if stored.ended is None else moment(stored.ended),
        options=manifest.options,
        bytes=manifest.bytes,
        lines=None if stored.lines is None else LineCounts.model_validate_json(stored.lines),
        counts=stored.counts,
        usage=stored.usage,
        pairs_per_second=rate,
        eta_seconds=waiting / rate if rate and stored.status is JobStatus.RUNNING else None,
        errors=errors,
        reason=stored.reason,
        reliability=checks,
    )


async def job_response(gateway: Gateway, stored: StoredJob, *, status: int = 200) -> Response:
    """The job as JSON, and where it can be read."""
    job = await view(gateway, stored)
    headers = {"Location": f"/jobs/{stored.id}"}
    return Response(job.model_dump_json(), status_code=status, headers=headers, media_type="application/json")


async def _first_errors(gateway: Gateway, stored: StoredJob) -> tuple[LineError, ...]:
    errors, _ = await read_errors(gateway, stored, after=ErrorPlace(), limit=FIRST_ERRORS)
    return tuple(errors)


def _pairs_per_second(stored: StoredJob, noted: bytes | None) -> float | None:
    """Since the oldest note of how far the job was, or over its whole run where it has ended."""
    if stored.status.ended:
        span = (stored.ended or 0) - (stored.started or 0)
        return stored.finished * 1000 / span if stored.status is JobStatus.COMPLETED and span > 0 else None
    notes = orjson.loads(noted) if noted else []
    if not notes:
        return None
    span, finished = milliseconds(now()) - notes[0][0], stored.finished - notes[0][1]
    return finished * 1000 / span if span >= LEAST_SPAN and finished >= 0 else None


async def _reliability(gateway: Gateway, stored: StoredJob) -> Reliability | None:
    if not stored.checks:
        return None
    return reliability(await gateway.store.jobs.checks(stored.id), checks=stored.checks)


def reliability(readings: Mapping[str, bytes], *, checks: int) -> Reliability:
    """What the hidden checks come to; `readings` by `kind:number`, a pair's first verdict as `first:number`."""
    told = {field: orjson.loads(reading) for field, reading in readings.items()}
    counts: Counter[str] = Counter()
    for field, reading in told.items():
        kind = field.partition(":")[0]
        if kind == "first":
            continue
        counts["ended"] += 1
        if "failed" in reading:
            counts["failed"] += 1
        elif kind == "repeat":
            first = told.get(f"first:{reading['of']}")
            counts["repeats"] += first is not None
            counts["repeats_agreeing"] += first is not None and first["verdict"] == reading["verdict"]
        elif kind == "aa":
            counts["same_answers"] += 1
            counts["same_answers_decided"] += reading["verdict"] in ("A", "B")
        else:
            counts["gold"] += 1
            counts["gold_right"] += reading["verdict"] == reading["better"]
    reported = ("same_answers", "same_answers_decided", "repeats", "repeats_agreeing", "gold", "gold_right", "failed")
    return Reliability(pending=checks - counts["ended"], **{name: counts[name] for name in reported})
