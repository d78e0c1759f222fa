"""`GET /jobs` and `GET /jobs/{id}`, and what can be done to a job: cancel, retry, delete."""

import asyncio
import contextlib
import re
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from selfref.messages import JobStatus, now
from selfref.store import StoredJob
from service.clock import milliseconds
from service.errors import Conflict, Invalid
from service.gateway import Gateway
from service.jobs import description
from service.jobs.view import job_response, own_job, view

MOST_JOBS = 100  # of one answer
_PLACE = re.compile(r"(\d{1,15})\.(job-[0-9a-f]{24})", re.ASCII)

router = APIRouter(tags=["jobs"])


@router.get("/jobs", **description.LIST)
async def list_jobs(
    request: Request,
    after: Annotated[str | None, Query(description="`next` of an earlier answer")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_JOBS, description="most jobs to answer with")] = 20,
) -> Response:
    """The caller's jobs, the newest first."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    before = None if after is None else _place(after)
    ids = await gateway.store.jobs.of_tenant(tenant, before=before, limit=limit)
    found = [job for job in await gateway.store.jobs.get_all(ids) if job is not None]
    jobs = await asyncio.gather(*(view(gateway, job) for job in found))
    onward = f"{found[-1].created}.{found[-1].id}" if len(ids) == limit and found else None
    body = orjson.dumps({"jobs": [job.model_dump(mode="json") for job in jobs], "next": onward})
    return Response(body, media_type="application/json")


@router.get("/jobs/{job_id}", **description.READ)
async def read_job(request: Request, job_id: str) -> Response:
    """How far a job is, and what went wrong in it."""
    gateway = Gateway.of(request)
    return await job_response(gateway, await own_job(gateway, job_id, tenant=gateway.tenant(request)))


@router.post("/jobs/{job_id}/cancel", **description.CANCEL)
async def cancel_job(request: Request, job_id: str) -> Response:
    """Stop a job: what is judged stays, everything else of it ends as canceled."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    await own_job(gateway, job_id, tenant=tenant)
    await gateway.store.jobs.cancel(job_id, tenant=tenant, at=milliseconds(now()))
    job = await own_job(gateway, job_id, tenant=tenant)
    if job.status is JobStatus.CANCELED:
        with contextlib.suppress(OSError):  # it is canceled all the same, unless Redis loses its last second now
            await asyncio.to_thread(gateway.spool.job(job_id).mark_canceled)
    return await job_response(gateway, job)


@router.post("/jobs/{job_id}/retry", **description.RETRY)
async def retry_job(request: Request, job_id: str) -> Response:
    """Let the failed pairs of a job wait again."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    job = await own_job(gateway, job_id, tenant=tenant)
    if not await gateway.store.jobs.retry(job_id, tenant=tenant):
        raise _nothing_to_retry(job)
    return await job_response(gateway, await own_job(gateway, job_id, tenant=tenant))


@router.delete("/jobs/{job_id}", **description.DELETE)
async def delete_job(request: Request, job_id: str) -> Response:
    """Forget a job that has ended, its upload and its results; its labels stay in the feed."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    await own_job(gateway, job_id, tenant=tenant)
    if not await gateway.store.jobs.delete(job_id, tenant=tenant):
        raise Conflict("job_not_ended", f"The job has not ended; cancel it first: POST /jobs/{job_id}/cancel.")
    return Response(status_code=204)


def _place(after: str) -> tuple[int, str]:
    found = _PLACE.fullmatch(after)
    if found is None:
        raise Invalid(
            "invalid_cursor", "`after` is no cursor of this list; use its `next`, or leave it out.", param="after"
        )
    return int(found[1]), found[2]


def _nothing_to_retry(job: StoredJob) -> Conflict:
    if job.status.ended and job.counts.failed:
        return Conflict("job_not_retryable", f"The job is {job.status.value}; upload the pairs again to judge them.")
    return Conflict("nothing_to_retry", "No pair of this job has failed; refused lines have to be mended and uploaded.")
