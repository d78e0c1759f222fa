"""How an operation is described to OpenAPI: its answers, their headers and examples, and the problems it may answer."""

from http import HTTPStatus
from typing import Any

from service.examples import PROBLEM

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_WHEN = {
    400: "The body is not JSON or not UTF-8, or a header cannot be understood",
    401: "No API key, or an unknown one",
    404: "No such judgment or job of this tenant",
    409: "Its state does not allow this now, or a request with the same Idempotency-Key is still open",
    410: "The labels after this cursor have been removed",
    413: "The body is over the limit",
    415: "The body is declared as something other than JSON",
    422: "A field is wrong (`param` names it), or this pair cannot be judged as it is",
    429: "Too many pairs are waiting",
    502: "The engine failed, or its verdict could not be read",
    503: "Redis or the engine is away, or the gateway is stopping",
}


def schema(name: str) -> dict[str, str]:
    """A schema of the document, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def header(text: str, **schema: Any) -> dict[str, Any]:
    """A header with a text value."""
    return {"description": text, "schema": {"type": "string", **schema}}


_REQUEST_ID = {"X-Request-Id": header("the request's own id, or one made for it")}
RETRY_AFTER = {"Retry-After": header("seconds until asking again can help", pattern="^[0-9]+$")}

CURSOR = {
    "Selfref-Cursor": header("give it as `after` to read on behind the last of these lines"),
    "Link": header("the same as an address, `rel=next`"),
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request with the same key is the same judgment or job, for as long as it can be read.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
    "example": "3f2c1c9e-pair-0001",
}


def answer(text: str, *, media_type: str, content: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """An answer of one media type."""
    return {"description": text, "headers": {**_REQUEST_ID, **headers}, "content": {media_type: content}}


def state(text: str, *, schema: dict[str, Any], example: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """An answer that is a message as JSON."""
    content = {"schema": schema, "example": example}
    return answer(text, media_type="application/json", content=content, headers=headers)


def problems(*statuses: int) -> dict[int, Any]:
    """The answers of these statuses, all of them problems."""
    answers = {}
    for status in statuses:
        example = {**PROBLEM, "status": status, "title": HTTPStatus(status).phrase} if status == 422 else None
        content = {"schema": _PROBLEM, **({"example": example} if example else {})}
        headers = RETRY_AFTER if status in (429, 503) else {}
        answers[status] = answer(_WHEN[status], media_type="application/problem+json", content=content, headers=headers)
    return answers


def operation(summary: str, responses: dict[int, Any], **extra: Any) -> dict[str, Any]:
    """What a route is declared with."""
    return {"summary": summary, "response_model": None, "responses": responses, "openapi_extra": extra}
