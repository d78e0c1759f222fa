"""A raw TCP server that answers as a test scripts it, byte by byte: for what no HTTP library would ever send."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """One connection of a client, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """The next whole request; b"" once the client has gone."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ),
                0,
            )
            return head + await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self._writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    def close(self) -> None:
        """Close as servers do."""
        self._writer.close()

    def reset(self) -> None:
        """Close with a reset, as a crash does."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


class RawServer:
    """What it has seen; `url` to reach it."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self.connections = 0
        self.in_flight = 0
        self.max_in_flight = 0
        self.gone = asyncio.Event()  # some client has closed its connection
        self.release = asyncio.Event()  # for handlers that wait until the test says so


Handler = Callable[[RawServer, Peer], Awaitable[None]]


async def answer_ok(server: RawServer, peer: Peer) -> None:
    """Answer each request with 200."""
    while request := await peer.request():
        server.requests.append(request)
        server.in_flight += 1
        server.max_in_flight = max(server.max_in_flight, server.in_flight)
        await asyncio.sleep(0)
        server.in_flight -= 1
        await peer.send(OK)


def answering(*pieces: bytes) -> Handler:
    """Answer the first request of each connection with these bytes and close it."""

    async def handler(server: RawServer, peer: Peer) -> None:
        server.requests.append(await peer.request())
        for piece in pieces:
            await peer.send(piece)
        peer.close()

    return handler


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[RawServer]:
    """Serve with this handler, one call of it for each connection, until the block ends."""
    seen = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        peer = Peer(reader, writer)
        try:
            await handler(seen, peer)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            seen.gone.set()
            peer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield seen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
