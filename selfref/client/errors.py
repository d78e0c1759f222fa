"""What can go wrong between a caller and the service, as exceptions.

    SelfrefError
    ├── Unreachable           nothing answered, or the connection was lost more often than the client tries again
    ├── UnexpectedReply       something answered that does not speak this API
    ├── StillWaiting          accepted, but not judged within the time given; `.judgment_id` fetches it later
    └── ProblemError          the service said no, and why (RFC 9457)
        ├── RequestRefused    400, 409, 410, 413, 415, 422: the request has to change
        ├── NotAuthorized     401, 403: the API key is missing or wrong
        ├── NotFound          404: no such judgment or job for this tenant
        ├── Unavailable       whatever the service calls retryable, mostly 429 and 503: later
        ├── JudgmentFailed    the pair was accepted and could not be judged; `.code` says why
        └── JudgmentCanceled  the pair was withdrawn before it was judged

`ProblemError.retryable` says whether the same request can succeed later; the client has then already tried a few times.
"""

from dataclasses import dataclass
from typing import Any, Self

import orjson

from selfref.messages import Cancellation, Failure, FailureCode


class SelfrefError(Exception):
    """The parent of everything that the client raises on purpose."""


class Unreachable(SelfrefError):
    """No reply could be had from the service."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no answer from {url}: {reason}")
        self.url = url
        self.reason = reason


class UnexpectedReply(SelfrefError):
    """A reply that this API never gives: usually another program listens at that address."""


class StillWaiting(SelfrefError, TimeoutError):
    """The pair is accepted and safe, but was not judged within the time given."""

    def __init__(self, judgment_id: str, seconds: float) -> None:
        super().__init__(f"judgment {judgment_id} is still waiting after {seconds:g} s; fetch it later by its id")
        self.judgment_id = judgment_id


@dataclass(frozen=True)
class Problem:
    """One problem+json document; fields that the service left out are None or empty."""

    status: int
    title: str = ""
    detail: str = ""
    code: str = ""
    param: str | None = None
    retryable: bool = False
    request_id: str | None = None
    judgment_id: str | None = None

    @classmethod
    def parse(cls, status: int, body: bytes) -> Self | None:
        """The problem in a reply's body, or None where the body is not one."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(document, dict) or not isinstance(document.get("code"), str):
            return None
        given: dict[str, Any] = {
            name: document[name] for name in cls.__dataclass_fields__ if document.get(name) is not None
        }
        return cls(**{**given, "status": status})


class ProblemError(SelfrefError):
    """The service refused, and said why; the attributes are the fields of its problem+json."""

    def __init__(self, problem: Problem) -> None:
        where = f" ({problem.param})" if problem.param else ""
        super().__init__(f"{problem.code}{where}: {problem.detail or problem.title}")
        self.problem = problem
        self.status = problem.status
        self.code = problem.code
        self.param = problem.param
        self.detail = problem.detail or problem.title
        self.retryable = problem.retryable
        self.request_id = problem.request_id
        self.judgment_id = problem.judgment_id


class RequestRefused(ProblemError):
    """The request has to change before it can succeed."""


class NotAuthorized(ProblemError):
    """The API key is missing or wrong."""


class NotFound(ProblemError):
    """The service knows no such judgment or job, or it belongs to another tenant, or its retention has passed."""


class Unavailable(ProblemError):
    """The service cannot take the request now; the same one can succeed later."""


class JudgmentFailed(ProblemError):
    """The pair was accepted and could not be judged; it made no label."""


class JudgmentCanceled(ProblemError):
    """The pair was withdrawn before it was judged."""


_BY_STATUS: dict[int, type[ProblemError]] = {401: NotAuthorized, 403: NotAuthorized, 404: NotFound}
_FAILURES = frozenset(code.value for code in FailureCode)
_CANCELED = "canceled"


def error_of(problem: Problem) -> ProblemError:
    """The exception that fits a problem. A failure's own code is the end of the pair, not of the request."""
    if problem.code in _FAILURES:
        return JudgmentFailed(problem)
    if problem.code == _CANCELED:
        return JudgmentCanceled(problem)
    if problem.retryable:
        return Unavailable(problem)
    if problem.status in _BY_STATUS:
        return _BY_STATUS[problem.status](problem)
    return RequestRefused(problem) if problem.status < 500 else ProblemError(problem)


def error_of_ending(state: Failure | Cancellation) -> ProblemError:
    """The exception for a pair that was found to have ended without a judgment."""
    if isinstance(state, Cancellation):
        return JudgmentCanceled(
            Problem(status=409, code=_CANCELED, detail="the pair was withdrawn", judgment_id=state.id)
        )
    return JudgmentFailed(
        Problem(
            status=502,
            code=state.error.code.value,
            detail=state.error.message,
            retryable=state.error.retryable,
            judgment_id=state.id,
        )
    )
