"""A TGI-shaped engine that answers at once or after a fixed time, in a process of its own and as cheaply as Python can.

    python -m selfref.bench.stub_tgi --latency-ms 50 --errors-503 0.05 --garbage 0.05 --seed 1 --port 0

prints `listening on http://HOST:PORT` and serves /info, /health, /tokenize, /chat_tokenize and /generate. `GET /stats`
counts calls by route, failures made on purpose, most calls in flight and the seconds that calls spent here;
`POST /stats` sets them back to zero. What it says is decided in `stub_answers`; here are wire, time and faults.
"""

import asyncio
import random
import signal
import zlib
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, cast

import httptools
import orjson
import typer
import uvloop

from selfref.bench import stub_answers as answers

_OVERLOADED = {"error": "Model is overloaded", "error_type": "overloaded"}
_UNHEALTHY = {"error": "unhealthy", "error_type": "healthcheck"}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the stub treats its callers."""

    latency: float = 0.0  # seconds that /generate takes
    errors_503: float = 0.0  # share of /generate calls answered 503, drawn from the seed
    garbage: float = 0.0  # share of verdicts without labels; the same text is garbage every time, even under a grammar
    limit: int = 0  # most /generate calls in flight before 429; 0: no limit
    seed: int = 0
    judge: answers.Judge = answers.Judge.HONEST


@dataclass(slots=True)
class Stats:
    """What the stub has seen of /generate, and how often each route was called."""

    calls: Counter[str] = field(default_factory=Counter)
    errors_503: int = 0
    rejected_429: int = 0
    garbage: int = 0
    disconnects: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    busy_seconds: float = 0.0  # summed over calls: in flight x time
    first_call: float | None = None  # event loop's clock
    last_answer: float | None = None

    def dump(self, *, now: float) -> dict[str, Any]:
        """As JSON says it, with the span between the first call and the last answer, and the event loop's clock."""
        span = 0.0 if self.first_call is None else (self.last_answer or self.first_call) - self.first_call
        names = ("errors_503", "rejected_429", "garbage", "disconnects", "in_flight", "max_in_flight", "busy_seconds")
        return {
            "calls": dict(self.calls),
            **{name: getattr(self, name) for name in names},
            "span_seconds": span,
            "now": now,
        }


class Stub:
    """The routes; one per process."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.stats = Stats()
        self._random = random.Random(behaviour.seed)  # noqa: S311  (faults, not secrets)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body; a /generate that succeeds is to be sent after `behaviour.latency`."""
        if path == "/stats":
            if method == "POST":
                self.stats = Stats(in_flight=self.stats.in_flight)
            return _response(200, self.stats.dump(now=asyncio.get_running_loop().time()))
        self.stats.calls[path] += 1
        if path == "/generate":
            return self._generate(orjson.loads(body))
        if path == "/info":
            return _response(200, answers.INFO)
        if path == "/health":
            return _response(200, None)
        if path == "/tokenize":
            return _response(200, answers.with_bos(orjson.loads(body)["inputs"]))
        if path == "/chat_tokenize":
            text = answers.render(orjson.loads(body)["messages"])
            return _response(200, {"tokenize_response": answers.chat_tokens(text), "templated_text": text})
        return _response(404, {"error": f"no route {path}", "error_type": "not_found"})

    def _generate(self, request: dict[str, Any]) -> tuple[int, bytes]:
        behaviour, inputs, parameters = self.behaviour, request["inputs"], request.get("parameters", {})
        if behaviour.limit and self.stats.in_flight >= behaviour.limit:
            self.stats.rejected_429 += 1
            return _response(429, _OVERLOADED)
        if behaviour.errors_503 and self._random.random() < behaviour.errors_503:
            self.stats.errors_503 += 1
            return _response(503, _UNHEALTHY)
        if (parameters.get("top_n_tokens") or 0) > answers.MAX_TOP_N_TOKENS:
            said = f"Input validation error: `top_n_tokens` must be >= 0 and <= {answers.MAX_TOP_N_TOKENS}"
            return _response(422, {"error": said, "error_type": "validation"})
        if parameters.get("max_new_tokens") == 1:
            readable = not self._is_garbage(inputs)
            self.stats.garbage += not readable
            answer, generated = answers.verdict(inputs, parameters, readable=readable, judge=behaviour.judge), 1
        else:
            answer, generated = answers.generation(inputs, parameters)
        return _response(200, answer, prompt_tokens=inputs.count(" ") + 2, generated_tokens=generated)

    def _is_garbage(self, inputs: str) -> bool:
        drawn = zlib.crc32(inputs.encode(), self.behaviour.seed) / 2**32
        return drawn < self.behaviour.garbage and answers.judges(inputs)


class _Caller(asyncio.Protocol):
    """One client connection; one request at a time, kept alive."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
            self._stub.stats.in_flight -= 1
            self._stub.stats.disconnects += 1

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
        status, payload = self._stub.answer(method, path, self._body)
        if path != "/generate" or status != 200:
            self._transport.write(payload)
            return
        stats, now = self._stub.stats, self._loop.time()
        stats.first_call = now if stats.first_call is None else stats.first_call
        stats.in_flight += 1
        stats.max_in_flight = max(stats.max_in_flight, stats.in_flight)
        if latency := self._stub.behaviour.latency:
            self._pending = self._loop.call_later(latency, self._finish, payload, now)
        else:
            self._finish(payload, now)

    def _finish(self, payload: bytes, since: float) -> None:
        stats, now = self._stub.stats, self._loop.time()
        self._pending = None
        stats.in_flight -= 1
        stats.busy_seconds += now - since
        stats.last_answer = now
        self._transport.write(payload)


def _response(status: int, body: object, **counts: int) -> tuple[int, bytes]:
    """The whole response; `counts` become TGI's headers, x-prompt-tokens and the like."""
    content = b"" if body is None else orjson.dumps(body)
    headers = "".join(f"x-{name.replace('_', '-')}: {count}\r\n" for name, count in counts.items())
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\nx-queue-time: 0\r\n{headers}\r\n"
    )
    return status, head.encode() + content


async def serve(behaviour: Behaviour, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; prints the address once it accepts connections."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    stub = Stub(behaviour)
    server = await loop.create_server(lambda: _Caller(stub), host, port, backlog=1024)
    async with server:
        address = server.sockets[0].getsockname()
        typer.echo(f"listening on http://{address[0]}:{address[1]}")
        await stopped.wait()


def main(
    host: str = "127.0.0.1",
    port: int = 0,
    latency_ms: Annotated[float, typer.Option(help="how long /generate takes")] = 0.0,
    errors_503: Annotated[float, typer.Option("--errors-503", help="share of /generate calls answered 503")] = 0.0,
    garbage: Annotated[float, typer.Option(help="share of verdicts that carry no label")] = 0.0,
    limit: Annotated[int, typer.Option(help="most /generate calls in flight before 429; 0: no limit")] = 0,
    seed: int = 0,
    judge: Annotated[answers.Judge, typer.Option(help="what verdicts are decided by")] = answers.Judge.HONEST,
) -> None:
    """Serve an instant judge in the shapes of Text Generation Inference."""
    behaviour = Behaviour(
        latency=latency_ms / 1000, errors_503=errors_503, garbage=garbage, limit=limit, seed=seed, judge=judge
    )
    uvloop.run(serve(behaviour, host=host, port=port))


if __name__ == "__main__":
    typer.run(main)
