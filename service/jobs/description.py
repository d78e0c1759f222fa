"""What OpenAPI says of the operations on jobs."""

from typing import Any

from selfref.messages import MAX_VOTES
from service.examples import ERROR_LINE, JOB, RESULT_LINE, UPLOAD_LINES
from service.operations import CURSOR, IDEMPOTENCY_KEY, answer, header, operation, problems, schema

_LOCATION = {"Location": header("where the job can be read")}
_LINES = {"schema": {"type": "string"}, "example": UPLOAD_LINES}
_COUNTED: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_VOTES}
_OPTIONS: list[dict[str, Any]] = [
    {"name": name, "in": "query", "required": False, "schema": kind, "description": text}
    for name, kind, text in (
        ("name", {"type": "string", "minLength": 1, "maxLength": 200}, "what to call the job"),
        ("principle", {"type": "string", "minLength": 1, "maxLength": 2000}, "for lines that have none"),
        ("preset", schema("Preset"), "for lines that have neither a preset nor a reference"),
        ("votes", {"anyOf": [_COUNTED, {"const": "auto"}]}, "for lines that say nothing of it"),
        ("max_votes", _COUNTED, "most critiques per order, for lines with votes `auto` that say nothing of it"),
        ("markers", schema("Markers"), "for lines that say nothing of it"),
        ("max_refused", {"type": "number", "minimum": 0, "maximum": 1}, "share of lines that may be refused (0.1)"),
        ("canaries", {"type": "number", "minimum": 0, "maximum": 0.2}, "hidden checks to add, as a share of the pairs"),
    )
]
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary", "description": "JSON lines, plain or gzip"}},
        "required": ["file"],
        "additionalProperties": False,
    }
}


def _job(text: str) -> dict[str, Any]:
    content = {"schema": schema("Job"), "example": JOB}
    return answer(text, media_type="application/json", content=content, headers=_LOCATION)


def _lines(text: str, example: str) -> dict[str, Any]:
    content = {"schema": {"type": "string"}, "example": example}
    return answer(text, media_type="application/x-ndjson", content=content, headers=CURSOR)


UPLOAD = operation(
    "Upload a file of pairs",
    {
        202: _job("Accepted: the upload is on disk and will not be lost"),
        **problems(400, 401, 409, 413, 415, 422, 503),
    },
    parameters=[*_OPTIONS, IDEMPOTENCY_KEY],
    requestBody={
        "required": True,
        "content": {
            "application/x-ndjson": _LINES,
            "application/gzip": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": _FORM,
        },
    },
)
LIST = operation(
    "List jobs",
    {
        200: answer(
            "The newest first",
            media_type="application/json",
            content={
                "schema": {
                    "type": "object",
                    "properties": {
                        "jobs": {"type": "array", "items": schema("Job")},
                        "next": {"type": ["string", "null"]},
                    },
                    "required": ["jobs", "next"],
                },
                "example": {"jobs": [JOB], "next": None},
            },
            headers={},
        ),
        **problems(401, 422, 503),
    },
)
READ = operation("Read a job", {200: _job("How far it is"), **problems(401, 404, 503)})
CANCEL = operation("Cancel a job", {200: _job("Canceled, or ended before"), **problems(401, 404, 503)})
RETRY = operation(
    "Judge the failed pairs of a job again", {200: _job("They wait again"), **problems(401, 404, 409, 503)}
)
DELETE = operation(
    "Delete a job that has ended",
    {204: {"description": "It is gone; its labels stay in the feed"}, **problems(401, 404, 409, 503)},
)
RESULTS = operation(
    "Read the results of a job",
    {
        200: {
            **_lines("In the order in which pairs ended; empty where there are no more now", RESULT_LINE),
            "content": {
                "application/x-ndjson": {"schema": {"type": "string"}, "example": RESULT_LINE},
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **problems(401, 404, 422, 503),
    },
)
ERRORS = operation(
    "Read the errors of a job",
    {200: _lines("One line each, with its number in the upload", ERROR_LINE), **problems(401, 404, 422, 503)},
)
EVENTS = operation(
    "Follow a job",
    {
        200: {
            "description": "`progress` whenever it has changed, `ended` at last; the data is the job",
            "content": {"text/event-stream": {"schema": {"type": "object"}}},
        },
        **problems(401, 404, 503),
    },
)
