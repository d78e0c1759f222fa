"""One request until it is answered: what is tried again, how soon, and what a refusal means.

Tried again, up to `Policy.retries` times: a request that got no reply, and one that the service called retryable. That
is safe for every call of this client, because reads, cancellations and deletions may be repeated, and what makes
something new is always sent with an Idempotency-Key, so the service knows it again.
"""

import math
import random

from selfref.client.errors import (
    Problem,
    ProblemError,
    SelfrefError,
    Unavailable,
    UnexpectedReply,
    Unreachable,
    error_of,
)
from selfref.client.steps import Conversation, Lost, Outcome, Pause, Policy, Reply, Send


def exchange(
    send: Send, policy: Policy, *, deadline: float = math.inf, done_before: str | None = None
) -> Conversation[Reply]:
    """One request, tried again where that is safe, can help and fits before the deadline; returns a reply below 400.

    `done_before` is the problem code which says, of a request that had to be repeated, that an earlier try of it was
    carried out though its reply was lost. That reply is returned too.
    """
    for attempt in range(policy.retries + 1):
        reply = yield send
        if isinstance(reply, Reply) and reply.status < 400:
            return reply
        error = error_in(reply, policy)
        if isinstance(reply, Reply) and attempt and isinstance(error, ProblemError) and error.code == done_before:
            return reply
        pause = delay(attempt, reply)
        if attempt == policy.retries or not _may_help_to_repeat(error) or policy.clock() + pause > deadline:
            raise error
        yield Pause(pause)
    raise AssertionError("unreachable: the last attempt returns or raises")


def error_in(reply: Outcome, policy: Policy) -> SelfrefError:
    """The exception that fits what came in place of a success."""
    if not isinstance(reply, Reply):
        return Unreachable(policy.url, reply.reason if isinstance(reply, Lost) else "nothing was sent")
    problem = Problem.parse(reply.status, reply.body)
    if problem is not None:
        return error_of(problem)
    if reply.status in (429, 502, 503, 504):  # a proxy in between speaks for a service that is away
        return Unreachable(policy.url, f"HTTP {reply.status} from a proxy")
    return UnexpectedReply(f"{policy.url} answered HTTP {reply.status} without a problem; is it a Selfref service?")


def delay(attempt: int, reply: Outcome) -> float:
    """Seconds until the next attempt: what the service asked for, else doubling from 0.2, half of it jitter."""
    asked = reply.headers.get("retry-after", "") if isinstance(reply, Reply) else ""
    if asked.isdecimal():
        return min(float(asked), 60.0) + random.uniform(0, 0.25)  # noqa: S311 - jitter is no secret
    return float(0.2 * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311


def _may_help_to_repeat(error: SelfrefError) -> bool:
    return isinstance(error, Unavailable | Unreachable)
