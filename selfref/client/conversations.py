"""What the client says to the service and how it takes the replies; no I/O, so every rule is a row in a test.

Each call is a generator that yields a `Send` or a `Pause` and is given what came of it: the `Reply` or `Lost` of a
`Send`, None after a `Pause`. It returns the call's result or raises an error of `selfref.client.errors`. `Client`
and `AsyncClient` only carry these out.

What is tried again, up to `Policy.retries` times: a request that got no reply, and one that the service called
retryable. That is safe for every call here, because reads and cancellations may be repeated, and a comparison is always
sent with an Idempotency-Key, so the service knows it again. A pair that ended as failed is never sent again.
"""

import math
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from selfref.client.errors import (
    Problem,
    RequestRefused,
    SelfrefError,
    StillWaiting,
    Unavailable,
    UnexpectedReply,
    Unreachable,
    error_of,
    error_of_ending,
)
from selfref.messages import STATE, ChatMessage, JudgeRequest, Judgment, Label, Preset, State, Waiting

LONGEST_WAIT = 25.0  # seconds one request may be held open; proxies commonly cut at 30 or 60
REPLY_GRACE = 15.0  # seconds allowed for a reply beyond the wait that was asked for
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two looks at a judgment that is still waiting
CURSOR_HEADER = "selfref-cursor"
ALREADY_ENDED = "already_ended"  # the problem code of a cancellation that came too late

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """One HTTP request, with a body or a file's content; `patience` is how many seconds to wait for its reply."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    file: Path | None = None
    patience: float = REPLY_GRACE


@dataclass(frozen=True)
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """What the service answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Lost:
    """No reply came: refused, timed out, or cut off."""

    reason: str


Conversation = Generator[Send | Pause, Reply | Lost | None, T]


@dataclass(frozen=True)
class Policy:
    """How a client behaves: the address it names in errors, how often it tries again, and its clock (seconds)."""

    url: str
    retries: int = 4
    clock: Callable[[], float] = time.monotonic


class How(TypedDict, total=False):
    """The options of a comparison, as `selfref.messages.JudgeRequest` defines them."""

    principle: str
    reference: str | None
    preset: Preset | str | None
    votes: int | None
    custom_id: str | None
    markers: Literal["refuse", "escape"]


@dataclass(frozen=True)
class LabelPage:
    """Some labels in feed order, and the cursor that continues after them."""

    labels: tuple[Label, ...]
    cursor: str


def request_of(prompt: str | Sequence[ChatMessage], answer_a: str, answer_b: str, how: How) -> JudgeRequest:
    """The comparison as a checked message; raises pydantic's ValidationError (a ValueError) naming the field."""
    return JudgeRequest.model_validate({"prompt": prompt, "answer_a": answer_a, "answer_b": answer_b, **how})


def judge(request: JudgeRequest, *, key: str, timeout: float, policy: Policy) -> Conversation[Judgment]:
    """Submit, then look until the pair has ended or `timeout` seconds have passed (`StillWaiting`)."""
    deadline = policy.clock() + timeout
    state = yield from _post(request, key=key, wait=min(timeout, LONGEST_WAIT), policy=policy, deadline=deadline)
    return (yield from _until_judged(state, deadline=deadline, timeout=timeout, policy=policy))


def submit(request: JudgeRequest, *, key: str, policy: Policy) -> Conversation[State]:
    """`POST /judge` without waiting: the pair is accepted and safe once this returns."""
    return (yield from _post(request, key=key, wait=0, deadline=math.inf, policy=policy))


def get(judgment_id: str, *, policy: Policy, wait: float = 0.0) -> Conversation[State]:
    """`GET /judgments/{id}`: what has become of a pair, once it has ended or after `wait` seconds."""
    headers = {"prefer": f"wait={wait:.0f}"} if wait >= 1 else {}
    send = Send("GET", _path_of(judgment_id), headers=headers, patience=wait + REPLY_GRACE)
    return _state_of((yield from exchange(send, policy)))


def wait_for(judgment_id: str, *, timeout: float, policy: Policy) -> Conversation[Judgment]:
    """Look at a pair that was submitted earlier until it has ended."""
    deadline = policy.clock() + timeout
    state = yield from get(judgment_id, policy=policy)
    return (yield from _until_judged(state, deadline=deadline, timeout=timeout, policy=policy))


def cancel(judgment_id: str, *, policy: Policy) -> Conversation[State]:
    """`DELETE /judgments/{id}`: the state that the pair then has, which is another where it had ended before."""
    try:
        return _state_of((yield from exchange(Send("DELETE", _path_of(judgment_id)), policy)))
    except RequestRefused as refused:
        if refused.code != ALREADY_ENDED:
            raise
    return (yield from get(judgment_id, policy=policy))


def label_page(after: str | None, *, limit: int, wait: float, policy: Policy) -> Conversation[LabelPage]:
    """`GET /labels`: the labels after a cursor (None: from the start), waiting up to `wait` seconds for the first."""
    params = {"limit": str(limit), "wait": f"{wait:.0f}"} | ({"after": after} if after is not None else {})
    reply = yield from exchange(Send("GET", "/labels", params=params, patience=wait + REPLY_GRACE), policy)
    cursor = reply.headers.get(CURSOR_HEADER)
    if cursor is None:
        raise UnexpectedReply(f"{policy.url} answered GET /labels without a cursor; is it a Selfref service?")
    try:
        labels = tuple(Label.model_validate_json(line) for line in reply.body.splitlines() if line)
    except ValidationError as error:
        raise UnexpectedReply(f"{policy.url} sent a label that this client cannot read: {error}") from error
    return LabelPage(labels=labels, cursor=cursor)


def _post(request: JudgeRequest, *, key: str, wait: float, deadline: float, policy: Policy) -> Conversation[State]:
    body = request.model_dump_json(exclude_none=True).encode()
    prefer = f"wait={wait:.0f}" if wait >= 1 else "respond-async"
    headers = {"content-type": "application/json", "prefer": prefer, "idempotency-key": key}
    send = Send("POST", "/judge", headers=headers, body=body, patience=wait + REPLY_GRACE)
    return _state_of((yield from exchange(send, policy, deadline=deadline)))


def _path_of(judgment_id: str) -> str:
    return f"/judgments/{quote(judgment_id, safe='')}"


def _until_judged(state: State, *, deadline: float, timeout: float, policy: Policy) -> Conversation[Judgment]:
    pauses = _growing_pauses()
    while isinstance(state, Waiting):
        remaining = deadline - policy.clock()
        if remaining <= 0:
            raise StillWaiting(state.id, timeout)
        yield Pause(min(next(pauses), remaining))
        wait = min(max(deadline - policy.clock(), 0.0), LONGEST_WAIT)
        state = yield from get(state.id, wait=wait, policy=policy)
    if isinstance(state, Judgment):
        return state
    raise error_of_ending(state)


def _growing_pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE)


def exchange(send: Send, policy: Policy, *, deadline: float = math.inf) -> Conversation[Reply]:
    """One request, tried again where that is safe, can help and fits before the deadline; returns a reply below 400."""
    for attempt in range(policy.retries + 1):
        reply = yield send
        if isinstance(reply, Reply) and reply.status < 400:
            return reply
        error = error_in(reply, policy)
        delay = _delay(attempt, reply)
        if attempt == policy.retries or not may_help_to_repeat(error) or policy.clock() + delay > deadline:
            raise error
        yield Pause(delay)
    raise AssertionError("unreachable: the last attempt returns or raises")


def error_in(reply: Reply | Lost | None, policy: Policy) -> SelfrefError:
    """The exception that fits what came in place of a success."""
    if not isinstance(reply, Reply):
        return Unreachable(policy.url, reply.reason if reply else "nothing was sent")
    problem = Problem.parse(reply.status, reply.body)
    if problem is not None:
        return error_of(problem)
    if reply.status in (429, 502, 503, 504):  # a proxy in between speaks for a service that is away
        return Unreachable(policy.url, f"HTTP {reply.status} from a proxy")
    return UnexpectedReply(f"{policy.url} answered HTTP {reply.status} without a problem; is it a Selfref service?")


def may_help_to_repeat(error: SelfrefError) -> bool:
    """Whether the same request can succeed later."""
    return isinstance(error, Unavailable | Unreachable)


def _delay(attempt: int, reply: Reply | Lost | None) -> float:
    """Seconds until the next attempt: what the service asked for, else doubling from 0.2, half of it jitter."""
    asked = reply.headers.get("retry-after", "") if isinstance(reply, Reply) else ""
    if asked.isdecimal():
        return min(float(asked), 60.0) + random.uniform(0, 0.25)  # noqa: S311 - jitter is no secret
    return float(0.2 * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311


def _state_of(reply: Reply) -> State:
    try:
        return STATE.validate_json(reply.body)
    except ValidationError as error:
        raise UnexpectedReply(f"the reply is not the state of a judgment; is it a Selfref service? {error}") from error
