"""The outermost layer, plain ASGI: gives every request an id and counts every answer. Cheap, because all pass here."""

import re
import time
import uuid
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import metrics

_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Edge:
    """Wraps the application; `request.state.request_id` is set inside, `X-Request-Id` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            known = route != "unmatched" and status != HTTPStatus.METHOD_NOT_ALLOWED
            method = scope["method"] if known else "other"  # a client may invent any number of methods
            metrics.REQUESTS.labels(route, method, status).inc()
            metrics.REQUEST_SECONDS.labels(route).observe(time.perf_counter() - started)


def _request_id(scope: Scope) -> bytes:
    """The caller's own id where it is one that can be sent back and logged, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return bytes(value)
    return uuid.uuid4().hex.encode()
