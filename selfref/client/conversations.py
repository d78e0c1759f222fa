"""What the client says to the service about pairs and labels, and how it takes the replies; no I/O.

Each call is a generator of `selfref.client.steps`. It returns the call's result or raises an error of
`selfref.client.errors`. What is tried again is decided in `selfref.client.exchange`; a pair that ended as failed is
never sent again.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict
from urllib.parse import quote

from pydantic import ValidationError

from selfref.client.errors import RequestRefused, StillWaiting, UnexpectedReply, error_of_ending
from selfref.client.exchange import exchange
from selfref.client.steps import REPLY_GRACE, Conversation, Pause, Policy, Reply, Send
from selfref.messages import STATE, ChatMessage, JudgeRequest, Judgment, Label, Preset, State, Stats, Waiting

LONGEST_WAIT = 25.0  # seconds one request may be held open; proxies commonly cut at 30 or 60
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two looks at a judgment that is still waiting
CURSOR_HEADER = "selfref-cursor"
ALREADY_ENDED = "already_ended"  # the problem code of a cancellation that came too late


class How(TypedDict, total=False):
    """The options of a comparison, as `selfref.messages.JudgeRequest` defines them."""

    principle: str
    reference: str | None
    preset: Preset | str | None
    votes: int | Literal["auto"] | None
    max_votes: int | None
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


def stats(*, policy: Policy) -> Conversation[Stats]:
    """`GET /stats`: what the caller's judgments say of their judge."""
    reply = yield from exchange(Send("GET", "/stats"), policy)
    try:
        return Stats.model_validate_json(reply.body)
    except ValidationError as error:
        raise UnexpectedReply(f"{policy.url} sent statistics that this client cannot read: {error}") from error


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


def _state_of(reply: Reply) -> State:
    try:
        return STATE.validate_json(reply.body)
    except ValidationError as error:
        raise UnexpectedReply(f"the reply is not the state of a judgment; is it a Selfref service? {error}") from error
