"""A TCP proxy that carries out requests and loses the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class LossyProxy:
    """Forwards to a Redis; while `losing` is above zero, an answer is thrown away and its connection cut."""

    def __init__(self, port: int) -> None:
        self.losing = 0
        self.lost = 0
        self._target = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where clients find the proxy."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LossyProxy"]:
        """The proxy, listening."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield self
        finally:
            self._server.close()
            await asyncio.gather(*self._tasks)  # they end when their clients have closed

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        requests = asyncio.create_task(_pump(reader, up_writer))
        try:
            while data := await up_reader.read(2**20):
                if self.losing > 0:  # Redis has done what was asked: its answer is here
                    self.losing -= 1
                    self.lost += 1
                    break
                writer.write(data)
                await writer.drain()
        finally:
            requests.cancel()
            await asyncio.gather(requests, return_exceptions=True)
            for each in (writer, up_writer):
                each.close()
                with suppress(OSError):
                    await each.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(2**20):
        writer.write(data)
        await writer.drain()
    writer.close()
