"""What the server says of itself: `/info`, `/v1/models`, `/health`, `/metrics`."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from engine.routes.exchange import About, Engine
from engine.wire import ErrorResponse, Info

router = APIRouter()


@router.get("/info")
async def info(info: About) -> Info:
    """The model and the limits."""
    return info


@router.get("/v1/models")
async def models(info: About) -> dict[str, Any]:
    """The one model, OpenAI-shaped."""
    model = {"id": info.model_id, "object": "model", "created": 0, "owned_by": info.model_id}
    return {"object": "list", "data": [model]}


@router.get("/", responses={503: {"model": ErrorResponse}})
@router.get("/ping", responses={503: {"model": ErrorResponse}})
@router.get("/health", responses={503: {"model": ErrorResponse}})
async def health(engine: Engine) -> Response:
    """200 and nothing else while the model thread lives."""
    if engine.healthy:
        return Response()
    return JSONResponse({"error": "unhealthy", "error_type": "healthcheck"}, status_code=503)


@router.get("/metrics")
async def metrics(engine: Engine) -> Response:
    """Prometheus text."""
    return Response(engine.metrics.exposition(), media_type="text/plain; version=0.0.4")
