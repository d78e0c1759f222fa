"""`POST /jobs`: an upload is on disk, and Redis knows it, before it is answered."""

import asyncio
import contextlib

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from selfref.messages import JobOptions, now
from selfref.store import StoreUnavailable, Taken
from service import admission, metrics
from service.errors import Conflict, Invalid, SpoolFull, Unavailable
from service.gateway import Gateway
from service.jobs import description
from service.jobs.identity import job_id
from service.jobs.options import options_of
from service.jobs.view import job_response, own_job
from service.problems import store_refusal
from service.registration import register
from service.spool.folder import JobFolder, Manifest
from service.spool.receiving import Received, receive

router = APIRouter(tags=["jobs"])


@router.post("/jobs", **description.UPLOAD)
async def upload(request: Request) -> Response:
    """Take in a file of pairs."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    key = admission.idempotency_key(request.headers.getlist("idempotency-key"))
    options_of(request.query_params)  # before a body is sent for nothing
    received = await receive(
        request.stream(),
        content_type=request.headers.get("content-type", ""),
        content_encoding=request.headers.get("content-encoding", ""),
        spool=gateway.spool,
        most_bytes=gateway.settings.max_job_bytes,
    )
    try:
        options = options_of({**request.query_params, **received.fields})
        manifest = _manifest(received, options, job_id=job_id(tenant, key), tenant=tenant)
        folder = await asyncio.to_thread(_keep, gateway, received, manifest)
    finally:
        await asyncio.to_thread(gateway.spool.drop, received.folder)
    await _register(gateway, folder.manifest())
    with contextlib.suppress(SpoolFull, OSError):  # the keeper marks it then; it is accepted all the same
        await asyncio.to_thread(folder.mark_accepted)
    metrics.ACCEPTED_JOBS.inc()
    job = await own_job(gateway, manifest.job_id, tenant=tenant)
    return await job_response(gateway, job, status=202)


def _manifest(received: Received, options: JobOptions, *, job_id: str, tenant: str) -> Manifest:
    return Manifest(
        job_id=job_id,
        tenant=tenant,
        created_at=now(),
        options=options,
        bytes=received.bytes,
        newlines=received.newlines,
        sha256=received.sha256,
    )


def _keep(gateway: Gateway, received: Received, manifest: Manifest) -> JobFolder:
    """The upload under its job's name, or the one that has it already. Raises Invalid where that is another upload."""
    try:
        return gateway.spool.keep(received.folder, manifest)
    except FileExistsError:
        kept = gateway.spool.job(manifest.job_id)
        if kept.manifest().fingerprint != manifest.fingerprint:
            raise _reused() from None
        return kept


async def _register(gateway: Gateway, manifest: Manifest) -> None:
    try:
        known = await register(gateway.store, manifest)
    except StoreUnavailable as error:
        detail = (
            f"{store_refusal(error).detail} The upload may have been accepted: look at /jobs/{manifest.job_id} first, "
            "or send it with an Idempotency-Key, which makes repeating it safe."
        )
        raise Unavailable("store_unavailable", detail) from error
    if isinstance(known, Taken) and known.fingerprint is None:
        await asyncio.to_thread(gateway.spool.delete, manifest.job_id)
        detail = "The job of this Idempotency-Key was deleted; upload the file with a new key to judge it again."
        raise Conflict("job_deleted", detail, param="Idempotency-Key")
    if isinstance(known, Taken) and known.fingerprint != manifest.fingerprint:
        raise _reused()


def _reused() -> Invalid:
    detail = "This Idempotency-Key was used for another upload; use a new key for a new upload."
    return Invalid("idempotency_key_reused", detail, param="Idempotency-Key")
