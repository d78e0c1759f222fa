"""`GET /labels`: the label feed as newline-delimited JSON, replayable from its start, with a long poll at its end."""

import time
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from selfref.store import CursorExpired, CursorInvalid
from service import description
from service.errors import Gone, Invalid
from service.gateway import Gateway

MEDIA_TYPE = "application/x-ndjson"
MOST_LABELS = 1000
BATCH = 50  # labels of one read: bounds what one answer can hold in memory, together with the next
ENOUGH_BYTES = 16_000_000  # an answer stops growing here, and its cursor says where to go on
SLICE = 1.0  # seconds of one blocking read; between two, a stopping process or a vanished client is noticed

router = APIRouter(tags=["labels"])


@router.get("/labels", **description.LABELS)
async def read_labels(
    request: Request,
    after: Annotated[str | None, Query(description="a `Selfref-Cursor` of an earlier answer")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LABELS, description="most labels to answer with")] = 100,
    wait: Annotated[float, Query(ge=0, description="seconds to wait for a label, at the end of the feed")] = 0,
) -> Response:
    """The labels after a cursor, oldest first."""
    gateway = Gateway.of(request)
    tenant = gateway.tenant(request)
    deadline = time.monotonic() + min(wait, gateway.settings.max_wait)
    try:
        lines, cursor = await _page(gateway, tenant, after=after, limit=limit)
        while not lines and not gateway.waiting.draining and (left := deadline - time.monotonic()) > 0:
            if await request.is_disconnected():
                break
            lines, cursor = await _page(gateway, tenant, after=cursor, limit=limit, wait=min(left, SLICE))
    except CursorInvalid as error:
        detail = "`after` is no cursor of this feed; use a `Selfref-Cursor` it answered with, or leave it out."
        raise Invalid("invalid_cursor", detail, param="after") from error
    except CursorExpired as error:
        detail = "The labels after this cursor have been removed; leave `after` out to read what the feed still holds."
        raise Gone("cursor_expired", detail, param="after") from error
    headers = {"Selfref-Cursor": cursor, "Link": f'</labels?after={cursor}&limit={limit}>; rel="next"'}
    return Response(b"".join(lines), headers=headers, media_type=MEDIA_TYPE)


async def _page(
    gateway: Gateway, tenant: str, *, after: str | None, limit: int, wait: float = 0.0
) -> tuple[list[bytes], str]:
    """Up to `limit` lines, fewer where they are long, and the cursor behind the last of them."""
    lines: list[bytes] = []
    while True:
        wanted = min(BATCH, limit - len(lines))
        page = await gateway.store.labels.read(tenant, after=after, limit=wanted, wait=wait)
        lines += (line + b"\n" for line in page.lines)
        after, wait = page.cursor, 0.0
        if len(page.lines) < wanted or len(lines) == limit or sum(map(len, lines)) >= ENOUGH_BYTES:
            return lines, page.cursor
