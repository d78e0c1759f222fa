"""RFC 9457: every refusal, whoever raised it, leaves as `application/problem+json` and says what to do."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from selfref.store import StoreUnavailable
from service import metrics
from service.errors import Invalid, NotFound, Refusal, Unavailable, Unreadable
from service.validation import faults

MEDIA_TYPE = "application/problem+json"
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
log = structlog.get_logger()


class FieldFault(BaseModel):
    """One field that is wrong, and why."""

    param: str
    detail: str


class Problem(BaseModel):
    """Every answer that is not a success."""

    model_config = ConfigDict(json_schema_extra={"description": "Every answer that is not a success (RFC 9457)."})

    type: str = Field(description="`urn:selfref:problem:` and the code")
    title: str
    status: int
    detail: str = Field(description="what is wrong and what to do about it, for a person")
    code: str = Field(description="what is wrong, for a program")
    param: str | None = Field(description="the field, header or query parameter at fault")
    retryable: bool = Field(description="whether the same request can succeed later")
    request_id: str
    judgment_id: str | None = None
    errors: tuple[FieldFault, ...] | None = Field(default=None, description="every fault found, at most 20")


def problem_response(request: Request, refusal: Refusal) -> Response:
    """The refusal as a response; a judgment it names is also in `Location`."""
    metrics.REFUSED.labels(refusal.code).inc()
    optional: dict[str, Any] = {}
    if refusal.judgment_id is not None:
        optional["judgment_id"] = refusal.judgment_id
        refusal.headers.setdefault("Location", f"/judgments/{refusal.judgment_id}")
    if refusal.errors:
        optional["errors"] = refusal.errors
    problem = Problem(
        type=f"urn:selfref:problem:{refusal.code}",
        title=refusal.status.phrase,
        status=refusal.status.value,
        detail=refusal.detail,
        code=refusal.code,
        param=refusal.param,
        retryable=refusal.retryable,
        request_id=request.state.request_id,
        **optional,
    )
    body = problem.model_dump_json(exclude={"judgment_id", "errors"} - optional.keys())
    return Response(body, status_code=refusal.status.value, headers=refusal.headers, media_type=MEDIA_TYPE)


async def _refused(request: Request, refusal: Refusal) -> Response:
    return problem_response(request, refusal)


async def _query_invalid(request: Request, error: RequestValidationError) -> Response:
    found = faults(error.errors(), within=("query", "path", "header"))
    param, detail = found[0]["param"], found[0]["detail"]
    return problem_response(request, Invalid("invalid_parameter", detail, param=param, errors=found))


async def _store_away(request: Request, error: StoreUnavailable) -> Response:
    return problem_response(request, store_refusal(error))


def store_refusal(error: StoreUnavailable, *, judgment_id: str | None = None) -> Unavailable:
    """What a caller is told while Redis cannot be used: the cause; the store's own detail stays in the log."""
    log.warning("store_unavailable", detail=error.detail, judgment_id=judgment_id)
    detail = f"{error.cause}; nothing that was accepted is lost. Try again shortly"
    if judgment_id is not None:
        detail += f", or look at /judgments/{judgment_id} first: this pair may have been accepted"
    return Unavailable("store_unavailable", f"{detail}.", judgment_id=judgment_id)


async def _http(request: Request, error: HTTPException) -> Response:
    """What the framework itself refuses: unknown paths and wrong methods."""
    refusal: Refusal
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods(request))
        refusal = Refusal("method_not_allowed", f"Use {allowed} on this path.", headers={"Allow": allowed})
        refusal.status = HTTPStatus.METHOD_NOT_ALLOWED
    elif error.status_code == HTTPStatus.NOT_FOUND:
        refusal = NotFound("unknown_path", "There is nothing at this path; the API is described at /docs.")
    else:
        refusal = Refusal("http_error", f"{error.detail}; the API is described at /docs.")
        refusal.status = HTTPStatus(error.status_code)
        refusal.headers = dict(error.headers or {})
    return problem_response(request, refusal)


def _methods(request: Request) -> list[str]:
    """Every method that some route has for this path: the framework itself names those of one route only."""
    routes: list[BaseRoute] = request.app.routes

    def answered(method: str) -> bool:
        scope = {"type": "http", "method": method, "path": request.scope["path"], "root_path": "", "headers": []}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    return list(filter(answered, _METHODS))


async def _gone(request: Request, error: ClientDisconnect) -> Response:
    """Nobody reads this; it keeps a broken upload from being taken for a fault of the service."""
    return problem_response(request, Unreadable("client_disconnected", "The connection ended before the body did."))


async def _bug(request: Request, error: Exception) -> Response:
    refusal = Refusal(
        "internal_error",
        "This is a fault of the service, not of your request; it has been logged. Please report the request_id.",
    )
    refusal.status = HTTPStatus.INTERNAL_SERVER_ERROR
    refusal.retryable = True
    return problem_response(request, refusal)


def install(app: FastAPI) -> None:
    """Make the application answer every refusal as a problem."""
    app.add_exception_handler(Refusal, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _query_invalid)  # type: ignore[arg-type]
    app.add_exception_handler(StoreUnavailable, _store_away)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(ClientDisconnect, _gone)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _bug)
