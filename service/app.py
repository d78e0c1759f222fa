"""The FastAPI application: routes, problems and the OpenAPI document, around one `Gateway`."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.types import ASGIApp

from selfref.messages import (
    Cancellation,
    Failure,
    Job,
    JobLine,
    JobResult,
    JudgeRequest,
    Judgment,
    Label,
    LineError,
    Stats,
    Waiting,
)
from service import health, judge, labels, page, problems, stats
from service.edge import Edge
from service.gateway import Gateway
from service.jobs import about, events, results, uploads

_ABOUT = """Labels preference pairs with AI feedback: which of two answers serves one principle better, in both orders,
and how strongly. Every error is `application/problem+json` (RFC 9457) with a `code` for programs, a `detail` that says
what to do, and the `X-Request-Id`. `POST /judge` waits up to 30 seconds unless `Prefer` says otherwise."""
_OPEN_PATHS = ("/livez", "/readyz", "/metrics")  # need no API key, so that probes and Prometheus need none


def build_app(gateway: Gateway) -> ASGIApp:
    """The application of one process; it opens nothing and starts nothing."""
    app = FastAPI(
        title="Selfref",
        version=version("selfref"),
        description=_ABOUT,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.gateway = gateway
    problems.install(app)
    of_jobs = (uploads.router, about.router, results.router, events.router)
    for router in (judge.router, *of_jobs, labels.router, stats.router, health.router, page.router):
        app.include_router(router)
    app.openapi = lambda: _document(app, gateway)  # type: ignore[method-assign]
    return Edge(app)


def _document(app: FastAPI, gateway: Gateway) -> dict[str, Any]:
    """The OpenAPI document, with the schemas that the descriptions refer to; built once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        operations = [
            (path, operation) for path, methods in document["paths"].items() for operation in methods.values()
        ]
        for _, operation in operations:  # the framework's own 422, in a form that is never answered
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
        components = document["components"]
        components["schemas"] = _schemas()
        if len(gateway.keyring):
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for path, operation in operations:
                operation["security"] = [] if path in _OPEN_PATHS else [{"key": []}]
        app.openapi_schema = document
    return app.openapi_schema


def _schemas() -> dict[str, Any]:
    answers = (Waiting, Judgment, Failure, Cancellation, Label, Job, JobResult, LineError, Stats, problems.Problem)
    _, models = models_json_schema(
        [(JudgeRequest, "validation"), (JobLine, "validation"), *((answer, "serialization") for answer in answers)],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = models["$defs"]
    return schemas
