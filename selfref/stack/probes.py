"""Whether a part of the stack is ready: each probe asks once, quickly, and answers yes or no."""

import errno
import re
import socket
from pathlib import Path

import httpx2
from redis import RedisError
from redis.asyncio import Redis

PROBE_TIMEOUT = 2.0  # seconds
_WORKING = re.compile(rb"^worker ready$", re.MULTILINE)
_ANNOUNCED = re.compile(rb"^listening on (https?://\S+)\s*$", re.MULTILINE)


def announced_url(log: Path) -> str | None:
    """The address that a server printed once it was ready to accept, or None so far."""
    found = _ANNOUNCED.search(log.read_bytes())
    return found[1].decode() if found else None


def is_working(log: Path) -> bool:
    """True once a worker has printed that it takes pairs."""
    return _WORKING.search(log.read_bytes()) is not None


async def answers(url: str) -> bool:
    """True once GET gives a success."""
    response = await _get(url)
    return response is not None and response.is_success


async def is_http(url: str) -> bool:
    """True where some HTTP server answers, whatever it thinks of the path."""
    return await _get(url) is not None


async def redis_answers(url: str) -> bool:
    """True once Redis answers PING and has its data loaded."""
    client = Redis.from_url(url, socket_timeout=PROBE_TIMEOUT, socket_connect_timeout=PROBE_TIMEOUT, protocol=2)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


def is_taken(host: str, port: int) -> bool:
    """True where something listens at this address; other reasons why it cannot be used are left to the server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


async def _get(url: str) -> httpx2.Response | None:
    async with httpx2.AsyncClient(timeout=PROBE_TIMEOUT, trust_env=False) as client:
        try:
            return await client.get(url)
        except httpx2.TransportError:
            return None
