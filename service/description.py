"""What OpenAPI says of each operation: every status, its headers, and examples that can be sent as they are."""

from service.examples import COMPARISONS, JUDGMENT, LABEL, STATS_ANSWER, WAITING
from service.operations import CURSOR, IDEMPOTENCY_KEY, RETRY_AFTER, answer, header, operation, problems, schema, state

_LOCATION = {"Location": header("where the judgment can be read")}
_APPLIED = {"Preference-Applied": header("the preferences that were honoured")}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=N`: hold the request open up to N seconds. `respond-async`: do not wait (RFC 7240).",
    "schema": {"type": "string"},
    "examples": {"wait": {"value": "wait=60"}, "async": {"value": "respond-async"}},
}
_ANY_STATE = {
    "oneOf": [schema(name) for name in ("Waiting", "Judgment", "Failure", "Cancellation")],
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

JUDGE = operation(
    "Judge one pair of answers",
    {
        200: state("Judged", schema=schema("Judgment"), example=JUDGMENT, headers={**_LOCATION, **_APPLIED}),
        202: state(
            "Accepted, and not judged within the wait; it is on the queue and will not be lost",
            schema=schema("Waiting"),
            example=WAITING,
            headers={**_LOCATION, **RETRY_AFTER, **_APPLIED},
        ),
        **problems(400, 401, 409, 413, 415, 422, 429, 502, 503),
    },
    parameters=[_PREFER, IDEMPOTENCY_KEY],
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": schema("JudgeRequest"), "examples": COMPARISONS}},
    },
)
READ = operation(
    "Read a judgment, or its state",
    {
        200: state(
            "The state; `status` says which", schema=_ANY_STATE, example=JUDGMENT, headers={**_LOCATION, **_APPLIED}
        ),
        **problems(401, 404, 503),
    },
    parameters=[_PREFER],
)
CANCEL = operation(
    "Cancel a judgment that is waiting",
    {
        200: state(
            "Canceled, now or before",
            schema=schema("Cancellation"),
            example={**WAITING, "status": "canceled", "finished_at": JUDGMENT["finished_at"]},
            headers=_LOCATION,
        ),
        **problems(401, 404, 409, 503),
    },
)
LABELS = operation(
    "Read the label feed",
    {
        200: answer(
            "One label a line, oldest first; empty at the end of the feed",
            media_type="application/x-ndjson",
            content={"schema": {"type": "string"}, "example": LABEL},
            headers=CURSOR,
        ),
        **problems(401, 410, 422, 503),
    },
)
STATS = operation(
    "How far position and length decide, and how often no preference comes",
    {
        200: state(
            "All pairs of the caller since its first, and the same by model, preset and principle",
            schema=schema("Stats"),
            example=STATS_ANSWER,
            headers={},
        ),
        **problems(401, 503),
    },
)
LIVE = operation(
    "Whether the process answers",
    {200: {"description": "It does", "content": {"application/json": {"schema": {"type": "object"}}}}},
)
READY = operation(
    "Whether to send requests here",
    {
        200: {"description": "Ready", "content": {"application/json": {"schema": {"type": "object"}}}},
        **problems(503),
    },
)
METRICS = operation(
    "Metrics for Prometheus",
    {200: {"description": "Prometheus text format", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
