"""What OpenAPI says of each operation: every status, its headers, and examples that can be sent as they are."""

from http import HTTPStatus
from typing import Any

from service.examples import COMPARISONS, JUDGMENT, LABEL, PROBLEM, WAITING

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_WHEN = {
    400: "The body is not JSON or not UTF-8, or a header cannot be understood",
    401: "No API key, or an unknown one",
    404: "No such judgment of this tenant",
    409: "The judgment was canceled or has ended, or a request with the same Idempotency-Key is still open",
    410: "The labels after this cursor have been removed",
    413: "The body is over the limit",
    415: "The body is declared as something other than JSON",
    422: "A field is wrong (`param` names it), or this pair cannot be judged as it is",
    429: "Too many pairs are waiting",
    502: "The engine failed, or its verdict could not be read",
    503: "Redis or the engine is away, or the gateway is stopping",
}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _header(text: str, **schema: Any) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string", **schema}}


_REQUEST_ID = {"X-Request-Id": _header("the request's own id, or one made for it")}
_RETRY_AFTER = {"Retry-After": _header("seconds until asking again can help", pattern="^[0-9]+$")}
_LOCATION = {"Location": _header("where the judgment can be read")}
_APPLIED = {"Preference-Applied": _header("the preferences that were honoured")}
_CURSOR = {
    "Selfref-Cursor": _header("give it as `after` to read on behind the last of these labels"),
    "Link": _header("the same as an address, `rel=next`"),
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=N`: hold the request open up to N seconds. `respond-async`: do not wait (RFC 7240).",
    "schema": {"type": "string"},
    "examples": {"wait": {"value": "wait=60"}, "async": {"value": "respond-async"}},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request with the same key is the same judgment, for as long as it can be read.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
    "example": "3f2c1c9e-pair-0001",
}


def _answer(text: str, *, media_type: str, content: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "headers": {**_REQUEST_ID, **headers}, "content": {media_type: content}}


def _state(text: str, *, schema: dict[str, Any], example: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": schema, "example": example}
    return _answer(text, media_type="application/json", content=content, headers=headers)


def _problems(*statuses: int) -> dict[int, Any]:
    answers = {}
    for status in statuses:
        example = {**PROBLEM, "status": status, "title": HTTPStatus(status).phrase} if status == 422 else None
        content = {"schema": _PROBLEM, **({"example": example} if example else {})}
        headers = _RETRY_AFTER if status in (429, 503) else {}
        answers[status] = _answer(
            _WHEN[status], media_type="application/problem+json", content=content, headers=headers
        )
    return answers


def _operation(summary: str, responses: dict[int, Any], **extra: Any) -> dict[str, Any]:
    return {"summary": summary, "response_model": None, "responses": responses, "openapi_extra": extra}


_ANY_STATE = {
    "oneOf": [_schema(name) for name in ("Waiting", "Judgment", "Failure", "Cancellation")],
    "discriminator": {
        "propertyName": "status",
        "mapping": {
            "waiting": "#/components/schemas/Waiting",
            "judged": "#/components/schemas/Judgment",
            "failed": "#/components/schemas/Failure",
            "canceled": "#/components/schemas/Cancellation",
        },
    },
}

JUDGE = _operation(
    "Judge one pair of answers",
    {
        200: _state("Judged", schema=_schema("Judgment"), example=JUDGMENT, headers={**_LOCATION, **_APPLIED}),
        202: _state(
            "Accepted, and not judged within the wait; it is on the queue and will not be lost",
            schema=_schema("Waiting"),
            example=WAITING,
            headers={**_LOCATION, **_RETRY_AFTER, **_APPLIED},
        ),
        **_problems(400, 401, 409, 413, 415, 422, 429, 502, 503),
    },
    parameters=[_PREFER, _IDEMPOTENCY_KEY],
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": _schema("JudgeRequest"), "examples": COMPARISONS}},
    },
)
READ = _operation(
    "Read a judgment, or its state",
    {
        200: _state(
            "The state; `status` says which", schema=_ANY_STATE, example=JUDGMENT, headers={**_LOCATION, **_APPLIED}
        ),
        **_problems(401, 404, 503),
    },
    parameters=[_PREFER],
)
CANCEL = _operation(
    "Cancel a judgment that is waiting",
    {
        200: _state(
            "Canceled, now or before",
            schema=_schema("Cancellation"),
            example={**WAITING, "status": "canceled", "finished_at": JUDGMENT["finished_at"]},
            headers=_LOCATION,
        ),
        **_problems(401, 404, 409, 503),
    },
)
LABELS = _operation(
    "Read the label feed",
    {
        200: _answer(
            "One label a line, oldest first; empty at the end of the feed",
            media_type="application/x-ndjson",
            content={"schema": {"type": "string"}, "example": LABEL},
            headers=_CURSOR,
        ),
        **_problems(401, 410, 422, 503),
    },
)
LIVE = _operation(
    "Whether the process answers",
    {200: {"description": "It does", "content": {"application/json": {"schema": {"type": "object"}}}}},
)
READY = _operation(
    "Whether to send requests here",
    {
        200: {"description": "Ready", "content": {"application/json": {"schema": {"type": "object"}}}},
        **_problems(503),
    },
)
METRICS = _operation(
    "Metrics for Prometheus",
    {200: {"description": "Prometheus text format", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
