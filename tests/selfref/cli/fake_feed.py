"""A label feed of fixed pages over HTTP, which can end badly at a page that a test chooses."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import orjson

from selfref.messages import Label
from tests.http_server import served_by


def gone() -> tuple[int, bytes]:
    """The problem of a cursor whose labels were trimmed."""
    problem = {"status": 410, "code": "cursor_expired", "detail": "The labels have been removed.", "param": "after"}
    return 410, orjson.dumps(problem)


@contextmanager
def feed(*pages: Sequence[Label], at_page: int = -1, instead: Callable[[], tuple[int, bytes]] = gone) -> Iterator[str]:
    """The address of a service with these pages; cursors are `0`, `1`, …; `instead` answers at one page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query).get("after", ["0"])[0])
            page = pages[number] if number < len(pages) else ()
            body = b"".join(label.model_dump_json().encode() + b"\n" for label in page)
            status, body = instead() if number == at_page else (200, body)
            self.send_response(status)
            self.send_header("Selfref-Cursor", str(number + bool(page)))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with served_by(Handler) as url:
        yield url
