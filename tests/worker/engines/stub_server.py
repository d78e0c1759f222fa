"""A real HTTP server with TGI's routes and OpenAI's chat completions, which thinks with a small mind and can be broken.

It is the wire that is under test: statuses, shapes, headers and their defects. What a model would say comes from
`tests.worker.minds`.
"""

import asyncio
import contextlib
import math
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.worker.engines.words import Words, render
from tests.worker.minds import Mind, criticise, log_probs, longer, shown_answers

Handler = Callable[[Request], Awaitable[Response]]

OVERLOADED = JSONResponse({"error": "Model is overloaded", "error_type": "overloaded"}, 429)
BROKEN_BATCH = JSONResponse({"error": "Request failed during generation: OOM", "error_type": "generation"}, 424)
INVALID = JSONResponse({"error": "Input validation error: `inputs` must have less", "error_type": "validation"}, 422)
INCOMPLETE = JSONResponse({"error": "Incomplete generation", "error_type": "incomplete_generation"}, 500)
UNHEALTHY = JSONResponse({"error": "unhealthy", "error_type": "healthcheck"}, 503)
DESERIALIZE = Response("Failed to deserialize the JSON body into the target type", 422, media_type="text/plain")
NOT_JSON = Response("<html>proxy says hello</html>", 200)
EMPTY_LIST = JSONResponse([])
NO_DETAILS = JSONResponse({"generated_text": "hello"})
NULL_TEXT = JSONResponse({"generated_text": None, "details": {"finish_reason": "length"}})


class StubServer:
    """What the server knows and what it does wrong; `url` once it is open."""

    def __init__(self, mind: Mind = longer) -> None:
        self.url = ""
        self.mind = mind
        self.words = Words()
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.faults: dict[str, deque[Response]] = {}  # answers that come instead, by path, each once
        self.hidden: set[str] = set()  # paths that are not there
        self.labels_on_top = (True, True)  # are labels A and B among the top tokens?
        self.labels_are_two_tokens = False
        self.grammar = True  # does a grammar work?
        self.max_top_n = 5
        self.counts = True  # are token counts in the headers of /generate?
        self.log_probs: dict[str, Any] = {}  # overrides for what the log-probs look like
        self.choice = ""  # what a constrained chat completion answers; empty: what the mind says
        self.line = ""  # what an asked-for line is; empty: what the mind says
        self.info: dict[str, Any] = {
            "model_id": "stub/words",
            "model_sha": "abc",
            "version": "3.3.7",
            "max_concurrent_requests": 128,
            "max_input_tokens": 4095,
            "max_total_tokens": 4096,
        }
        self.sign: tuple[str, dict[str, Any]] | None = None  # a route that gives the dialect away, and what it tells
        self.models = ["stub/words"]
        self.stall = asyncio.Event()
        self.stall.set()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was sent to this path."""
        return [body for asked, body, _ in self.requests if asked == path]

    def fail_next(self, path: str, *answers: Response) -> None:
        """Answer the next calls of this path with these."""
        self.faults.setdefault(path, deque()).extend(answers)

    async def dispatch(self, request: Request) -> Response:
        path = request.url.path
        body = await request.json() if request.method == "POST" else {}
        self.requests.append((path, body, dict(request.headers)))
        await self.stall.wait()
        if waiting := self.faults.get(path):
            return waiting.popleft()
        if self.sign is not None and path == self.sign[0]:
            return JSONResponse(self.sign[1])
        routes: dict[str, Callable[[dict[str, Any]], Response]] = {
            "/info": lambda _: JSONResponse(self.info),
            "/v1/models": lambda _: JSONResponse({"object": "list", "data": [{"id": name} for name in self.models]}),
            "/tokenize": self._tokenize,
            "/apply-template": lambda asked: JSONResponse({"prompt": render(asked["messages"], continue_last=True)}),
            "/chat_tokenize": self._chat_tokenize,
            "/generate": self._generate,
            "/v1/chat/completions": self._chat,
        }
        if path in self.hidden or path not in routes:
            return Response("not found", 404)
        return routes[path](body)

    def _tokenize(self, body: dict[str, Any]) -> Response:
        if "messages" in body:  # vLLM's
            text = render(body["messages"], continue_last=body.get("continue_final_message", False))
            return JSONResponse({"tokens": [token["id"] for token in self.words.encode(text, bos=False)]})
        if "content" in body:  # llama.cpp's
            return JSONResponse({"tokens": [token["id"] for token in self.words.encode(body["content"], bos=True)]})
        text = body["inputs"]
        if self.labels_are_two_tokens and text.endswith((" A", " B")):
            text = f"{text[:-1]} {text[-1]}"
        return JSONResponse(self.words.encode(text, bos=True))

    def _chat_tokenize(self, body: dict[str, Any]) -> Response:
        text = render(body["messages"], continue_last=True)
        return JSONResponse({"templated_text": text, "tokenize_response": self.words.encode(text, bos=False)})

    def _generate(self, body: dict[str, Any]) -> Response:
        asked, text = body["parameters"], body["inputs"]
        if (asked.get("top_n_tokens") or 0) > self.max_top_n:
            said = f"Input validation error: `top_n_tokens` must be >= 0 and <= {self.max_top_n}"
            return JSONResponse({"error": said, "error_type": "validation"}, 422)
        if asked.get("grammar") and not self.grammar:
            said = "Input validation error: grammar is not supported"
            return JSONResponse({"error": said, "error_type": "validation"}, 422)
        details: dict[str, Any] = {"finish_reason": "eos_token", "prefill": [], "tokens": [], "seed": asked.get("seed")}
        said = self._says(text)
        if asked.get("top_n_tokens"):
            tops = self._top_tokens(text, constrained=bool(asked.get("grammar")))
            details |= {"finish_reason": "length", "tokens": tops[:1], "top_tokens": [tops]}
            said = tops[0]["text"]
        details["generated_tokens"] = max(1, len(said.split()))
        headers = {"x-prompt-tokens": str(len(self.words.encode(text, bos=True))), "x-queue-time": "250"}
        if self.counts:
            headers["x-generated-tokens"] = str(details["generated_tokens"])
        return JSONResponse({"generated_text": said, "details": details}, headers=headers)

    def _says(self, text: str) -> str:
        shown = shown_answers(text)
        return f" {criticise(*shown)}" if shown else " My own answer."

    def _odds(self, text: str) -> float:
        shown = shown_answers(text)
        return self.mind(*shown) if shown else 0.5

    def _top_tokens(self, text: str, *, constrained: bool) -> list[dict[str, Any]]:
        mass = 1.0 if constrained else 0.5
        first, second = log_probs(self._odds(text), mass=mass)
        entries = [(" A", first, self.labels_on_top[0]), (" B", second, self.labels_on_top[1])]
        kept = [(label, value) for label, value, on_top in entries if on_top or constrained]
        if not constrained:
            kept += [(" the", math.log(0.3)), ("A", math.log(0.1)), ("B", math.log(0.05))]
        # single ids are decoded alone, so that ` A` and `A` look the same, as TGI does
        tokens = [
            {"id": self.words.id(label), "text": label.strip(), "logprob": value, "special": False}
            for label, value in sorted(kept, key=lambda pair: -pair[1])
        ]
        return [token | self.log_probs for token in tokens]

    def _chat(self, body: dict[str, Any]) -> Response:
        text = render(body["messages"], continue_last=True)
        last = body["messages"][-1]
        constrained = {"structured_outputs", "regex", "grammar", "response_format"} & set(body)
        letter = "A" if self._odds(text) > 0 else "B"
        log_probs_of: list[dict[str, Any]] = []
        if constrained:
            said = self.choice or (f'{{"verdict": "{letter}"}}' if "json_schema" in str(body) else f" {letter}")
        elif last["role"] == "assistant" and body.get("max_tokens") == 1:
            said = f" {letter}"
            log_probs_of = [self._chat_log_probs(text, body)]
        elif "exactly one line" in last["content"]:
            said = self.line or f"Verdict: {letter}"
            sure = [{"token": piece, "logprob": -0.001} for piece in ("Ver", "dict", ":")]
            certain = [token | {"top_logprobs": [token]} for token in sure]
            log_probs_of = [*certain, self._chat_log_probs(text, body)]
        else:
            said = self._says(text)
        choice: dict[str, Any] = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        if body.get("logprobs") and "none" not in self.log_probs:
            choice["logprobs"] = {"content": log_probs_of}
        usage = {"prompt_tokens": len(self.words.encode(text, bos=False)), "completion_tokens": len(said.split())}
        return JSONResponse({"object": "chat.completion", "choices": [choice], "usage": usage})

    def _chat_log_probs(self, text: str, body: dict[str, Any]) -> dict[str, Any]:
        """Each label in two spellings, a fifth of its mass in the second; by id only where ids are asked for."""
        first, second = log_probs(self._odds(text), mass=0.5)
        by_id = body.get("logprob_token_ids")
        if by_id:
            pairs = [(f"token_id:{by_id[0]}", first), (f"token_id:{by_id[1]}", second)]
        else:
            spelt = [(" A", first, 0), ("A", first - math.log(5), 0), ("B", second, 1), (" B", second - math.log(5), 1)]
            pairs = [(label, value) for label, value, which in spelt if self.labels_on_top[which]]
        pairs += [(" the", math.log(0.3)), ("An", math.log(0.05))]
        entries = [
            {"token": token, "logprob": value} | self.log_probs for token, value in sorted(pairs, key=lambda p: -p[1])
        ]
        return entries[0] | {"top_logprobs": entries}


@contextlib.asynccontextmanager
async def serving(stub: StubServer) -> AsyncIterator[StubServer]:
    """Serve this stub on a free port until the block ends."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # so that TCP_NODELAY gets set
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    app = Starlette(routes=[Route("/{path:path}", stub.dispatch, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    stub.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield stub
    finally:
        stub.stall.set()
        server.should_exit = True
        await task
        listener.close()
