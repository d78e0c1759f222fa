"""A TCP proxy in front of Redis that can lose answers, stand still, and reset connections."""

import asyncio
import random
import socket
import struct
from contextlib import suppress

from tests.chaos.schedule import NetworkFault

CHUNK = 2**18
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST


class FaultProxy:
    """Forwards to a Redis on loopback; `lose`, `stall`, `reset` until `heal`."""

    def __init__(self, port: int, *, seed: int) -> None:
        self.faults: set[NetworkFault] = set()
        self.losses = 0.0  # share of replies that are lost, while LOST_REPLIES
        self._target = port
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._moving = asyncio.Event()
        self._moving.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where clients find the proxy."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def start(self) -> None:
        """Listen, on any free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    def begin(self, fault: NetworkFault, *, share: float = 0.0) -> None:
        """From now on this is wrong, too."""
        self.faults.add(fault)
        if fault is NetworkFault.LOST_REPLIES:
            self.losses = share
        elif fault is NetworkFault.STALL:
            self._moving.clear()
        else:
            self._reset_all()

    def end(self, fault: NetworkFault) -> None:
        """It is no longer wrong."""
        self.faults.discard(fault)
        if fault is NetworkFault.STALL:
            self._moving.set()

    def heal(self) -> None:
        """Nothing is wrong."""
        for fault in NetworkFault:
            self.end(fault)

    async def aclose(self) -> None:
        """Stop listening and cut every connection."""
        assert self._server is not None
        self._server.close()
        self.heal()
        self._reset_all()
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if NetworkFault.RESET in self.faults:
            _reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)  # as the kernel refuses where nobody listens
            return
        self._writers |= {writer, up_writer}
        pumps = [
            asyncio.ensure_future(self._pump(reader, up_writer, replies=False)),
            asyncio.ensure_future(self._pump(up_reader, writer, replies=True)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers -= {writer, up_writer}
            for each in (writer, up_writer):
                each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._moving.wait()
                if replies and NetworkFault.LOST_REPLIES in self.faults and self._chance.random() < self.losses:
                    return  # Redis has done what was asked: its answer is here
                writer.write(data)
                await writer.drain()

    def _reset_all(self) -> None:
        for writer in self._writers:
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    with suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
