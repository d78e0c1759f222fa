"""Lists that are read page by page: JSON lines, and the cursor behind the last of them."""

from collections.abc import Iterable

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/x-ndjson"
MOST = 10_000  # lines of one answer
ENOUGH_BYTES = 16_000_000  # an answer stops growing here, and its cursor says where to go on


def page(request: Request, lines: Iterable[bytes], *, cursor: str) -> Response:
    """The lines, each ended already, with the cursor and the address of what follows."""
    onward = URL(scope=request.scope).include_query_params(after=cursor)
    headers = {"Selfref-Cursor": cursor, "Link": f'<{onward.path}?{onward.query}>; rel="next"'}
    return Response(b"".join(lines), headers=headers, media_type=MEDIA_TYPE)
