"""`GET /jobs/{id}/events`: a job's progress as server-sent events, resumable by `Last-Event-ID`."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from selfref.messages import Job
from selfref.store import StoredJob, StoreUnavailable
from service.gateway import Gateway
from service.jobs import description
from service.jobs.view import own_job, view

LOOK_EVERY = 0.5  # seconds between two looks at the job
SAY_EVERY = 15.0  # seconds after which something is sent even where nothing has changed, so that proxies keep the line
RETRY = 1000  # milliseconds that a client should wait before it connects again

router = APIRouter(tags=["jobs"])


@router.get("/jobs/{job_id}/events", **description.EVENTS)
async def follow_job(
    request: Request,
    job_id: str,
    last_event_id: Annotated[str | None, Header(description="the id of the last event that was received")] = None,
) -> Response:
    """An event whenever the job has changed; the last one, once it has ended, is `ended`."""
    gateway = Gateway.of(request)
    job = await own_job(gateway, job_id, tenant=gateway.tenant(request))
    return EventSourceResponse(_events(gateway, job, known=last_event_id), headers={"Cache-Control": "no-store"})


async def _events(gateway: Gateway, job: StoredJob | None, *, known: str | None) -> AsyncIterator[bytes]:
    """Until the job has ended or is gone, or this gateway stops; then the client connects to another one."""
    quiet = 0.0
    while job is not None and not gateway.waiting.draining:
        version = _version(job)
        if job.status.ended:
            yield _event("ended", await view(gateway, job), version)
            return
        if version != known:
            yield _event("progress", await view(gateway, job), version)
            known, quiet = version, 0.0
        elif quiet >= SAY_EVERY:
            yield format_sse_event(comment="still here")
            quiet = 0.0
        await asyncio.sleep(LOOK_EVERY)
        quiet += LOOK_EVERY
        try:
            job = await gateway.store.jobs.get(job.id)
        except StoreUnavailable:
            return  # the client connects again, and is told why it cannot


def _event(name: str, job: Job, version: str) -> bytes:
    return format_sse_event(event=name, data_str=job.model_dump_json(), id=version, retry=RETRY)


def _version(job: StoredJob) -> str:
    """Another whenever something that callers see has changed."""
    seen = f"{job.status}{job.counts}{job.checks_ended}{job.usage}{job.started}{job.retried_through}"
    return hashlib.sha256(seen.encode()).hexdigest()[:16]
