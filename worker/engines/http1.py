"""One kept-alive HTTP/1.1 connection: a request goes out in one write, the answer comes in through a parser in C.

It knows bytes and times, and nothing of pools or clients. Every failure is one of httpx2's own exceptions; its user
then calls `abort`, so that the engine sees the disconnect and frees the request's slot.
"""

import asyncio
import socket
from collections import deque
from typing import cast

import httptools
import httpx2

HIGH_WATER = 256 * 1024  # bytes of a response kept for a slow reader before the socket is no longer read

RawHeaders = list[tuple[bytes, bytes]]


class Connection(asyncio.Protocol):
    """One connection, used by one exchange at a time: `send`, then `receive` until it returns b"", then maybe again."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self.idle_since = self._loop.time()
        self.closed = False
        self._begin()

    def _begin(self) -> None:
        self._reason = b""
        self._headers: RawHeaders = []
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._head_done = self._body_done = False
        self._ends_at_eof = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.reusable = False

    # ---- what the transport calls

    async def send(self, request: bytes, *, timeout: float | None) -> tuple[int, bytes, RawHeaders]:
        """Send one whole request; status, reason and headers once they are here.

        `timeout` is the longest silence in seconds, None for no limit. Raises httpx2.ReadTimeout, ReadError,
        WriteError or RemoteProtocolError.
        """
        self._begin()
        if self.closed:
            raise httpx2.WriteError("the engine closed the connection before the request was sent")
        self._transport.write(request)
        while not self._head_done:
            if self._error is not None:
                raise self._error
            await self._wait(timeout)
        return self._parser.get_status_code(), self._reason, self._headers

    async def receive(self, *, timeout: float | None) -> bytes:
        """What has come of the body since the last call; b"" once it is complete. Raises as `send` does."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._body_done:
                return b""
            await self._wait(timeout)
        data = self._chunks.popleft() if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return data

    @property
    def arrived(self) -> bool:
        """True once the whole response is here, taken or not."""
        return self._body_done

    @property
    def complete(self) -> bool:
        """True once the whole response has been taken."""
        return self._body_done and not self._chunks

    def abort(self) -> None:
        """Close at once; the engine reads it as a disconnect."""
        self.closed = True
        self.reusable = False
        self._transport.abort()

    async def _wait(self, timeout: float | None) -> None:
        self._waiter = self._loop.create_future()
        timer = None if timeout is None else self._loop.call_later(timeout, self._time_out, self._waiter)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _time_out(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            self._fail(httpx2.ReadTimeout("the engine sent nothing within the time allowed"))

    def _fail(self, error: Exception) -> None:
        if self._error is None and not self._body_done:
            self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ---- what the event loop calls (asyncio.Protocol)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; have the kernel notice a peer that vanished during a long generation."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and wake the reader once for all that came."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx2.RemoteProtocolError(f"the engine's answer is not HTTP/1.1: {error}"))
            self.abort()
            return
        if self._head_done:
            self._wake()

    def eof_received(self) -> bool:
        """Close: half-open connections are of no use here."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """End the body that only the close can end; anything else that was awaited is lost."""
        self.closed = True
        self.reusable = False
        if self._ends_at_eof and error is None:
            self._body_done = True
            self._wake()
        elif error is not None:
            self._fail(httpx2.ReadError(f"the connection to the engine broke: {error}"))
        elif self._head_done:
            self._fail(httpx2.RemoteProtocolError("the engine closed the connection in the middle of its answer"))
        else:
            self._fail(httpx2.RemoteProtocolError("the engine closed the connection without an answer"))

    # ---- what the parser calls (httptools)

    def on_message_begin(self) -> None:
        """Refuse bytes that nobody asked for: they would be read as the answer to the next request."""
        if self._body_done:
            raise httpx2.RemoteProtocolError("the engine sent more than was asked for")

    def on_status(self, reason: bytes) -> None:
        """The reason phrase."""
        self._reason = reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, as sent."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole; 1xx heads are dropped, the final one follows."""
        if self._parser.get_status_code() < 200:
            self._headers = []
            return
        self._head_done = True
        names = {name.lower() for name, _ in self._headers}
        self._ends_at_eof = not names & {b"content-length", b"transfer-encoding"}

    def on_body(self, body: bytes) -> None:
        """A piece of the body; a reader that lags stops the socket."""
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The response is whole; the connection can serve another if the engine agrees."""
        if not self._head_done:
            return  # the end of a 1xx
        self._body_done = True
        self._ends_at_eof = False
        self.reusable = self._parser.should_keep_alive() and not self.closed
