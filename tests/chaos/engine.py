"""The stub engine, able to misbehave on command, and writing down whose calls it got.

    python -m tests.chaos.engine --port 0 --log calls.jsonl --seed 1

The first part of the path is the caller's name, so that each worker is known: SELFREF_ENGINE_URL=http://HOST:PORT/NAME.
`POST /plan {"garbage": 0.3}` sets the shares of /generate calls that go wrong, all others to none. The log is written
call by call and without a buffer: it survives kill -9.
"""

import argparse
import asyncio
import os
import random
import re
import sys
import time
from pathlib import Path
from typing import Any, cast

import httptools
import orjson
import uvloop

from selfref.bench.stub_tgi import Behaviour, Stub
from tests.chaos.schedule import EngineFault

LATENCY, SLOW_LATENCY = 0.02, 0.7  # seconds of a /generate call
SILENCE = 60.0  # seconds that a call without an answer stays open; every caller gives up before
_MARK = re.compile(r"\[\[[^\[\]]*\]\]")
_GARBAGE = (
    b"<html>Bad gateway</html>",
    b'{"generated_text": ',
    b'[{"generated_text": "This is no verdict."}]',
    b'{"generated_text": "\xff\xfe"}',
    b'{"details": null}',
)
_STATUS = {200: "OK", 429: "Too Many Requests", 500: "Internal Server Error"}


class ChaosEngine:
    """One engine: what it does wrong, and where it writes down its calls."""

    def __init__(self, log: Path, *, seed: int) -> None:
        self.stub = Stub(Behaviour())
        self.plan: dict[str, float] = {}
        self.chance = random.Random(seed)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, caller: str, body: bytes) -> None:
        """Log one call of /generate."""
        marks = _MARK.findall(orjson.loads(body)["inputs"])
        row = {"at": time.monotonic(), "worker": caller, "mark": marks[0] if marks else None}
        os.write(self._log, orjson.dumps(row) + b"\n")

    def fault(self) -> EngineFault | None:
        """What goes wrong with this call, drawn from the plan."""
        drawn = self.chance.random()
        for name, share in self.plan.items():
            drawn -= share
            if drawn < 0:
                return EngineFault(name)
        return None


class _Caller(asyncio.Protocol):
    """One client connection, kept alive."""

    def __init__(self, engine: ChaosEngine) -> None:
        self._engine = engine
        self._parser = httptools.HttpRequestParser(self)
        self._timers: list[asyncio.TimerHandle] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        for timer in self._timers:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        method, path = self._parser.get_method().decode(), self._path.decode()
        if path == "/plan":
            self._engine.plan = orjson.loads(self._body)
            self._transport.write(_response(200, b"{}"))
            return
        _, caller, route = path.split("/", 2)
        fault = None
        if route == "generate":
            self._engine.note(caller, self._body)
            fault = self._engine.fault()
        _, answer = self._engine.stub.answer(method, f"/{route}", self._body)
        if route != "generate":
            self._transport.write(answer)
        else:
            self._answer_or_fail(answer, fault)

    def _answer_or_fail(self, answer: bytes, fault: EngineFault | None) -> None:
        match fault:
            case None:
                self._later(LATENCY, answer)
            case EngineFault.SLOW:
                self._later(SLOW_LATENCY, answer)
            case EngineFault.OVERLOADED:
                self._later(0.0, _response(429, b'{"error":"Model is overloaded","error_type":"overloaded"}'))
            case EngineFault.ERRORS:
                self._later(LATENCY, _response(500, b'{"error":"CUDA error","error_type":"generation"}'))
            case EngineFault.GARBAGE:
                self._later(LATENCY, _response(200, self._engine.chance.choice(_GARBAGE)))
            case EngineFault.CUT:
                self._later(LATENCY, answer[: len(answer) * 2 // 3])
                self._timers.append(asyncio.get_running_loop().call_later(LATENCY * 2, self._transport.close))
            case EngineFault.SILENT:
                self._timers.append(asyncio.get_running_loop().call_later(SILENCE, self._transport.close))

    def _later(self, seconds: float, answer: bytes) -> None:
        self._timers = [timer for timer in self._timers if not timer.cancelled()][-8:]
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self._transport.write, answer))


def _response(status: int, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_STATUS[status]}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _serve(engine: ChaosEngine, *, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Caller(engine), "127.0.0.1", port, backlog=512)
    host, bound = server.sockets[0].getsockname()[:2]
    sys.stdout.write(f"listening on http://{host}:{bound}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.engine")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    told: Any = parser.parse_args()
    uvloop.run(_serve(ChaosEngine(told.log, seed=told.seed), port=told.port))


if __name__ == "__main__":
    main()
