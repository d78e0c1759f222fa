"""Everything the gateway refuses, as one tree; each class is one HTTP status and says whether trying again can help.

    Refusal
    ├── Unreadable            400  the request cannot be understood at all
    ├── Unauthorized          401  no key, or one that is not known
    ├── NotFound              404  no such judgment, or another tenant's
    ├── Conflict              409  right now, or no longer, in a state that allows this
    ├── Gone                  410  the feed no longer holds what the cursor points at
    ├── TooLarge              413  the body is over the limit
    ├── UnsupportedMedia      415  not JSON, or for an upload not JSON lines
    ├── Invalid               422  understood, and wrong; `param` names the field
    ├── QueueIsFull           429  retryable
    ├── SpoolFull             503  retryable, once space has been made on the disk
    ├── NotJudged             422, 502 or 503, by the failure's own code
    └── Unavailable           503  retryable: Redis is away, or this process is stopping

    ConfigurationError        the process cannot start; says what to set

`problems.py` renders a `Refusal`; nothing else does.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from selfref.messages import Failure, FailureCode

UNAVAILABLE_RETRY_AFTER = 2  # seconds; a Redis restart with its append-only file takes about as long
QUEUE_RETRY_AFTER = 5  # seconds; a queue drains by engine calls, each of which takes seconds
SPOOL_RETRY_AFTER = 60  # seconds; space comes back as jobs are deleted or someone adds a disk, not by waiting a moment

FAILURE_STATUS: Mapping[FailureCode, HTTPStatus] = {
    FailureCode.TOO_LONG: HTTPStatus.UNPROCESSABLE_ENTITY,
    FailureCode.MARKERS_IN_MODEL_TEXT: HTTPStatus.UNPROCESSABLE_ENTITY,
    FailureCode.ENGINE_REJECTED: HTTPStatus.UNPROCESSABLE_ENTITY,
    FailureCode.UNREADABLE_VERDICT: HTTPStatus.BAD_GATEWAY,
    FailureCode.ENGINE_FAILED: HTTPStatus.BAD_GATEWAY,
    FailureCode.CRASHED_WORKERS: HTTPStatus.BAD_GATEWAY,
    FailureCode.UNDECODABLE: HTTPStatus.BAD_GATEWAY,
    FailureCode.ENGINE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class ConfigurationError(Exception):
    """The settings do not make a gateway that may start; the message says what to set."""


class Refusal(Exception):
    """An answer other than success.

    `code` is for programs and never changes its meaning; `detail` is for people and says what to do. `errors` lists
    every fault found where there can be several, the first of them also in `param` and `detail`.
    """

    status: HTTPStatus
    retryable = False

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        param: str | None = None,
        judgment_id: str | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.param = param
        self.judgment_id = judgment_id
        self.errors = errors
        self.headers = dict(headers or {})


class Unreadable(Refusal):
    """The request is no HTTP, no JSON or no Unicode that can be understood."""

    status = HTTPStatus.BAD_REQUEST


class Unauthorized(Refusal):
    """No API key, or one that this gateway does not know."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail, headers={"WWW-Authenticate": "Bearer"})


class NotFound(Refusal):
    """There is no such thing for this tenant."""

    status = HTTPStatus.NOT_FOUND


class Conflict(Refusal):
    """The judgment's state, or another open request, does not allow this."""

    status = HTTPStatus.CONFLICT


class StillOpen(Conflict):
    """Another request with the same Idempotency-Key is being answered right now."""

    retryable = True


class Gone(Refusal):
    """What was asked for existed and has been removed."""

    status = HTTPStatus.GONE


class TooLarge(Refusal):
    """The body is over the configured limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMedia(Refusal):
    """The body is declared as something that this path does not read, or in another charset than UTF-8."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Invalid(Refusal):
    """The request was understood and is wrong; sending it again unchanged fails again."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class QueueIsFull(Refusal):
    """More pairs wait than this deployment allows."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    retryable = True

    def __init__(self, length: int) -> None:
        super().__init__(
            "queue_full",
            f"{length} pairs are waiting, which is the limit of this deployment; send this pair again later.",
            headers={"Retry-After": str(QUEUE_RETRY_AFTER)},
        )


class SpoolFull(Refusal):
    """The disk that uploads are kept on has no room for this one; nothing of it was kept."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retryable = True

    def __init__(self) -> None:
        super().__init__(
            "spool_full",
            "There is no room on disk for this upload and nothing of it was kept; "
            "delete jobs that have ended, or send it again later.",
            headers={"Retry-After": str(SPOOL_RETRY_AFTER)},
        )


class Unavailable(Refusal):
    """The gateway cannot serve this now, and will be able to again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retryable = True

    def __init__(self, code: str, detail: str, *, judgment_id: str | None = None) -> None:
        retry_after = {"Retry-After": str(UNAVAILABLE_RETRY_AFTER)}
        super().__init__(code, detail, judgment_id=judgment_id, headers=retry_after)


class NotJudged(Refusal):
    """The pair was accepted and could not be judged; the worker's own reason is the code and the detail."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error.code.value, failure.error.message, judgment_id=failure.id)
        self.status = FAILURE_STATUS[failure.error.code]
        self.retryable = failure.error.retryable
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.headers["Retry-After"] = str(UNAVAILABLE_RETRY_AFTER)
