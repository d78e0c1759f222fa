"""How a conversation's steps become HTTP: the part that both clients share and that needs the HTTP library."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

import httpx2

from selfref.client.conversations import Reply, Send

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


def timeouts_of(send: Send) -> httpx2.Timeout:
    """Seconds for each phase of a request; a free connection is waited for as long as the reply."""
    return httpx2.Timeout(connect=5.0, write=30.0, read=send.patience, pool=None)


def content_of(send: Send) -> bytes | Iterator[bytes] | None:
    """The body of a request; a file's is read while it is sent."""
    return send.body if send.file is None else _chunks(send.file)


def async_content_of(send: Send) -> bytes | AsyncIterator[bytes] | None:
    """The same for asyncio code."""
    return send.body if send.file is None else _async_chunks(send.file)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


async def _async_chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


def reply_of(response: httpx2.Response) -> Reply:
    """A received response as a conversation sees it."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status=response.status_code, headers=headers, body=response.content)
