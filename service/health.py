"""`/livez`, `/readyz` and `/metrics`: for the machines that watch the gateway."""

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from selfref.store import StoreUnavailable
from service import description, metrics
from service.errors import Unavailable
from service.gateway import Gateway

router = APIRouter(tags=["health"])


@router.get("/livez", **description.LIVE)
async def live(request: Request) -> Response:
    """The process answers; nothing else is looked at, so a lost Redis restarts no gateway."""
    return JSONResponse({"status": "live"})


@router.get("/readyz", **description.READY)
async def ready(request: Request) -> Response:
    """Whether to send requests here: Redis takes writes, it can write its log, and the process is not stopping."""
    return JSONResponse({"status": "ready", **await readiness(Gateway.of(request))})


async def readiness(gateway: Gateway) -> dict[str, Any]:
    """What Redis says of its durability; raises Unavailable, with the reason, where requests should go elsewhere."""
    if gateway.waiting.draining:
        raise Unavailable("draining", "This gateway is stopping; send requests to another one.")
    try:
        health = await gateway.store.health()
        await gateway.store.require_writes()
    except StoreUnavailable as error:
        raise Unavailable("store_unavailable", f"{error.cause}; `selfref doctor` says how to mend it.") from error
    if health.aof_enabled and health.aof_last_write_status != "ok":
        raise Unavailable("store_not_durable", "Redis cannot write its append-only file; free its disk.")
    return {"append_only_file": "on" if health.aof_enabled else "off"}


@router.get("/metrics", **description.METRICS)
async def scrape(request: Request) -> Response:
    """Prometheus text; a lost Redis shows as `service_store_up 0` and does not fail the scrape."""
    gateway = Gateway.of(request)
    try:
        for lane, length in (await gateway.store.judgments.queue_lengths()).items():
            metrics.QUEUE_LENGTH.labels(lane.value).set(length)
        metrics.STORE_UP.set(1)
    except StoreUnavailable:
        metrics.QUEUE_LENGTH.clear()
        metrics.STORE_UP.set(0)
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
