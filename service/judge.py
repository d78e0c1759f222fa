"""`POST /judge`, and the judgment that comes of it."""

import re
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from selfref.messages import Failure, Judgment, State, Waiting
from selfref.store import Stored
from service import admission, body, description
from service.errors import Conflict, NotFound, NotJudged
from service.gateway import Gateway
from service.preference import DEFAULT_WAIT, Preference, parse_prefer
from service.submission import outcome, submit, submit_once

RETRY_AFTER = "1"  # seconds; what polling a waiting judgment costs is one key read
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

router = APIRouter(tags=["judgments"])


@router.post("/judge", **description.JUDGE)
async def judge(request: Request) -> Response:
    """Judge one pair of answers."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    key = admission.idempotency_key(request.headers.getlist("idempotency-key"))
    preference = _preference(request, gateway, default=DEFAULT_WAIT)
    asked = body.parse(await body.read_json(request, most=gateway.settings.max_body_bytes))
    work = admission.work_of(asked, judgment_id=admission.judgment_id(tenant, key), tenant=tenant)
    state = await (submit if key is None else submit_once)(
        gateway,
        work,
        fingerprint="" if key is None else admission.fingerprint(asked),
        wait=preference.wait,
        disconnected=partial(_disconnected, request),
    )
    return _judged(state, preference)


@router.get("/judgments/{judgment_id}", **description.READ)
async def read_judgment(request: Request, judgment_id: str) -> Response:
    """The state of a judgment; with `Prefer: wait=N`, once it has ended."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    preference = _preference(request, gateway, default=0.0)
    with gateway.waiting.expect(judgment_id) as ended:  # before it is read, so that its end cannot slip in between
        state = (await _own(gateway, judgment_id, tenant=tenant)).state
        if isinstance(state, Waiting) and preference.wait:
            gone = partial(_disconnected, request)
            state = await outcome(ended, wait=preference.wait, disconnected=gone) or state
    return _state(state, status=200, headers=preference.headers)


@router.delete("/judgments/{judgment_id}", **description.CANCEL)
async def cancel_judgment(request: Request, judgment_id: str) -> Response:
    """Withdraw a pair that is still waiting."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    await _own(gateway, judgment_id, tenant=tenant)
    canceled = await gateway.store.judgments.cancel(judgment_id, retention=gateway.settings.retention)
    stored = await _own(gateway, judgment_id, tenant=tenant)
    if not canceled:
        detail = f"The judgment has ended already ({stored.state.status}) and cannot be canceled; it can be read."
        raise Conflict("already_ended", detail, judgment_id=judgment_id)
    return _state(stored.state, status=200)


def _preference(request: Request, gateway: Gateway, *, default: float) -> Preference:
    return parse_prefer(request.headers.getlist("prefer"), default=default, most=gateway.settings.max_wait)


async def _disconnected(request: Request) -> None:
    """Returns when the client has gone; what is left of the request before that is of no interest."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _own(gateway: Gateway, judgment_id: str, *, tenant: str) -> Stored:
    """This tenant's judgment; another's is as unknown as one that never was. Raises NotFound."""
    stored = await gateway.store.judgments.state(judgment_id) if _ID.fullmatch(judgment_id) else None
    if stored is None or stored.tenant != tenant:
        raise NotFound("unknown_judgment", "There is no judgment with this id, or it has been removed after its time.")
    return stored


def _judged(state: State, preference: Preference) -> Response:
    """200 with a judgment, 202 while it waits, a problem where there will be none."""
    if isinstance(state, Failure):
        raise NotJudged(state)
    if isinstance(state, Judgment):
        return _state(state, status=200, headers=preference.headers)
    if isinstance(state, Waiting):
        return _state(state, status=202, headers=preference.headers)
    raise Conflict("canceled", "The pair was canceled before it was judged.", judgment_id=state.id)


def _state(state: State, *, status: int, headers: dict[str, str] | None = None) -> Response:
    headers = {**(headers or {}), "Location": f"/judgments/{state.id}"}
    if isinstance(state, Waiting):
        headers["Retry-After"] = RETRY_AFTER
    return Response(state.model_dump_json(), status_code=status, headers=headers, media_type="application/json")
