"""The engine transport: a lean HTTP/1.1 pool behind httpx2's client, and so behind huggingface_hub.

httpx2's own pool costs more CPU per call than everything else a judgment does (measured in
docs/decisions/0002-engine-transport.md). What this transport does not do, it refuses loudly: streamed request bodies
and HEAD. It has no proxies and no HTTP/2.

The machine's Hugging Face token, proxy variables, `.netrc` and HF_HUB_OFFLINE never reach a call made through it.
"""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar

import httpx2
from huggingface_hub import set_async_client_factory

from worker.engines.client import EngineClient, WholeResponse
from worker.engines.http1 import Connection, RawHeaders

KEEPALIVE_EXPIRY = 4.0  # seconds idle; below uvicorn's 5, so that none is taken just as the server closes it
RESPONSE_HEADERS: ContextVar[httpx2.Headers | None] = ContextVar("engine_response_headers", default=None)

_Origin = tuple[str, str, int | None]


def install_transport(transport: "EngineTransport") -> None:
    """Make every `AsyncInferenceClient` created from now on speak through this transport.

    Give that client an `api_key` (else huggingface_hub sends the machine's own token) and a `timeout` (else it waits
    for ever).
    """
    set_async_client_factory(lambda: new_client(transport=transport))


def new_client(
    *,
    transport: "EngineTransport",
    base_url: str = "",
    api_key: str | None = None,
    timeout: float | None = None,
) -> httpx2.AsyncClient:
    """An httpx2 client over this transport for the routes that huggingface_hub has no method for.

    `timeout` is the longest silence in seconds, None for no limit. Closing the client leaves the transport open.
    """
    headers = {"accept-encoding": "identity"}  # compressing costs more than the wire to an engine does
    if api_key is not None:
        headers["authorization"] = f"Bearer {api_key}"
    return EngineClient(_Shared(transport), base_url=base_url, headers=headers, timeout=timeout)


def response_headers() -> httpx2.Headers | None:
    """Headers of the last response that this task received; TGI puts token counts and queue time there.

    huggingface_hub returns bodies only, so this is how a caller of `text_generation` reads `x-prompt-tokens`,
    `x-generated-tokens` and `x-queue-time`. None before the first response.
    """
    return RESPONSE_HEADERS.get()


class EngineTransport(httpx2.AsyncBaseTransport):
    """A pool of at most `connections` kept-alive connections; a call beyond that waits its turn for one.

    Failures are httpx2's: ConnectError, ConnectTimeout, PoolTimeout, ReadTimeout, ReadError, WriteError,
    RemoteProtocolError, LocalProtocolError. A failed or cancelled call closes its connection and frees its place.
    Nothing is retried here.
    """

    def __init__(self, *, connections: int) -> None:
        self._places = asyncio.Semaphore(connections)
        self._idle: dict[_Origin, list[Connection]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and wait for the head of its response; the body is read as the caller reads it."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        payload = _serialized(request)
        origin = (request.url.scheme, request.url.host, request.url.port)
        await self._take_place(timeouts.get("pool"))
        connection: Connection | None = None
        try:
            connection = self._pop_idle(origin) or await _open(request.url, timeout=timeouts.get("connect"))
            status, reason, headers = await connection.send(payload, timeout=timeouts.get("read"))
            whole = await connection.receive(timeout=None) if connection.arrived else None
        except BaseException:
            self._give_back(origin, connection)
            raise
        if whole is not None:  # nearly every answer of an engine: no stream to set up and to walk through
            self._give_back(origin, connection)
            response = _whole(status, headers, body=whole, reason=reason)
        else:
            give_back = functools.partial(self._give_back, origin, connection)
            body = _Body(connection, timeout=timeouts.get("read"), give_back=give_back)
            response = httpx2.Response(status, headers=headers, stream=body, extensions={"reason_phrase": reason})
        RESPONSE_HEADERS.set(response.headers)
        return response

    async def aclose(self) -> None:
        """Close idle connections now; those in use close with their response."""
        self._closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    async def _take_place(self, timeout: float | None) -> None:
        if not self._places.locked():
            await self._places.acquire()  # free: the cost of a timer is saved
            return
        try:
            async with asyncio.timeout(timeout):
                await self._places.acquire()
        except TimeoutError:
            raise httpx2.PoolTimeout("every connection to the engine stayed busy") from None

    def _pop_idle(self, origin: _Origin) -> Connection | None:
        connections = self._idle.get(origin, [])
        now = asyncio.get_running_loop().time()
        while connections:
            connection = connections.pop()  # the one used last: the others grow old and expire
            if connection.closed:
                continue
            if now - connection.idle_since < KEEPALIVE_EXPIRY:
                return connection
            connection.abort()
        return None

    def _give_back(self, origin: _Origin, connection: Connection | None) -> None:
        self._places.release()
        if connection is None:
            return
        if connection.reusable and connection.complete and not self._closed:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.setdefault(origin, []).append(connection)
        else:
            connection.abort()


class _Body(httpx2.AsyncByteStream):
    """A response's body; gives its connection back once closed, which httpx2 does at its end and on every error."""

    def __init__(self, connection: Connection, *, timeout: float | None, give_back: Callable[[], None]) -> None:
        self._connection, self._timeout, self._give_back = connection, timeout, give_back
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._connection.receive(timeout=self._timeout):
            yield data

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._give_back()


class _Shared(httpx2.AsyncBaseTransport):
    """A transport that several clients use, and that none of them closes."""

    def __init__(self, transport: EngineTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._transport.handle_async_request(request)


def _whole(status: int, headers: RawHeaders, *, body: bytes, reason: bytes) -> httpx2.Response:
    if any(name.lower() == b"content-encoding" for name, _ in headers):
        return httpx2.Response(status, headers=headers, content=body, extensions={"reason_phrase": reason})
    return WholeResponse(status, headers=headers, body=body, reason=reason)


async def _open(url: httpx2.URL, *, timeout: float | None) -> Connection:
    if url.scheme not in ("http", "https"):
        raise httpx2.UnsupportedProtocol(f"engine URLs begin with http:// or https://, not {url.scheme}://")
    tls = _tls_context() if url.scheme == "https" else None
    port = url.port or (443 if tls else 80)
    try:
        async with asyncio.timeout(timeout):
            _, connection = await asyncio.get_running_loop().create_connection(Connection, url.host, port, ssl=tls)
    except TimeoutError:
        raise httpx2.ConnectTimeout(f"no connection to the engine at {url.host}:{port} in time") from None
    except OSError as error:
        raise httpx2.ConnectError(f"no connection to the engine at {url.host}:{port}: {error}") from error
    return connection


@functools.cache
def _tls_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _serialized(request: httpx2.Request) -> bytes:
    try:
        body = request.content
    except httpx2.RequestNotRead:
        raise httpx2.LocalProtocolError("this transport sends whole bodies; pass bytes or JSON") from None
    if request.method == "HEAD":
        raise httpx2.LocalProtocolError("this transport does not send HEAD; use GET")
    fields = request.headers.raw
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [name + b": " + value for name, value in fields]
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(fields) or head.count(b"\r") != len(fields):
        raise httpx2.LocalProtocolError("a header contains a line break")
    return head + b"\r\n\r\n" + body
