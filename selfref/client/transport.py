"""How a conversation's steps become HTTP: the part that both clients share and that needs the HTTP library."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

import httpx2

from selfref.client.steps import Lost, Open, Reply, Send

DEFAULT_URL = "http://127.0.0.1:8080"
MOST_CONNECTIONS = 256
CHUNK = 256 * 1024  # bytes of a file sent at once


class Connection(TypedDict):
    """The arguments that both of the HTTP library's clients take."""

    base_url: str
    headers: dict[str, str]
    limits: httpx2.Limits
    trust_env: bool


def connection(url: str, *, api_key: str | None) -> Connection:
    """How to reach the service; a proxy from the environment is never asked for an address on this machine.

    Raises ValueError for what is no address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a service; write it as http://HOST:PORT")
    return Connection(
        base_url=url,
        headers={"authorization": f"Bearer {api_key}"} if api_key else {},
        limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
        trust_env=not is_loopback(parts.hostname),
    )


def is_loopback(host: str) -> bool:
    """True for an address that only this machine can be reached at."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Request(TypedDict):
    """The arguments that both of the HTTP library's clients take for one request, but for its body."""

    method: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    timeout: httpx2.Timeout


def request_of(send: Send) -> Request:
    """A step as a request. Raises OSError where its file is gone."""
    size = {} if send.file is None else {"content-length": str(send.file.stat().st_size)}
    return Request(
        method=send.method,
        url=send.path,
        params=send.params,
        headers={**send.headers, **size},
        # seconds for each phase; a free connection is waited for as long as the reply
        timeout=httpx2.Timeout(connect=5.0, write=30.0, read=send.patience, pool=None),
    )


def content_of(send: Send) -> bytes | Iterator[bytes] | None:
    """The body of a request; a file's is read while it is sent."""
    return send.body if send.file is None else _chunks(send.file)


def async_content_of(send: Send) -> bytes | AsyncIterator[bytes] | None:
    """The same for asyncio code."""
    return send.body if send.file is None else _async_chunks(send.file)


def is_left_open(send: Send, response: httpx2.Response) -> bool:
    """Whether the body of this response is read piece by piece later."""
    return isinstance(send, Open) and response.status_code < 400


def reply_of(response: httpx2.Response, body: bytes) -> Reply:
    """A response as a conversation sees it, with as much of its body as was read."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status=response.status_code, headers=headers, body=body)


def lost(error: httpx2.TransportError) -> Lost:
    """A request that got no reply, as a conversation sees it."""
    return Lost(str(error) or type(error).__name__)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


async def _async_chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
