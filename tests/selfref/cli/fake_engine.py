"""Engines that `selfref doctor` should see through: as little HTTP as it asks for, well or badly answered."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD_TOP = [{"id": 319, "logprob": -0.2}, {"id": 350, "logprob": -1.8}]


class FakeTgi:
    """A TGI with one token a word; what it answers can be replaced by path."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self._answers = dict(answers or {})

    def answer(self, path: str, body: Any) -> Any:
        """The JSON of a reply, or None for 404."""
        if path in self._answers:
            return self._answers[path]
        if path == "/info":
            return {"model_id": "some/model", "model_dtype": "bfloat16", "max_total_tokens": 4096, "version": "3.3.7"}
        if path == "/tokenize":
            return [{"id": sum(word.encode()), "text": word} for word in body["inputs"].split()]
        if path == "/generate":
            return {"generated_text": " A", "details": {"top_tokens": [GOOD_TOP]}}
        return None


class FakeOpenAi:
    """A server of chat completions, with or without log-probabilities."""

    def __init__(self, log_probs: Any) -> None:
        self._log_probs = log_probs

    def answer(self, path: str, body: Any) -> Any:
        """The JSON of a reply, or None for 404."""
        if path == "/v1/models":
            return {"data": [{"id": "judge-13b"}]}
        if path == "/v1/chat/completions" and body["model"] == "judge-13b":
            return {"choices": [{"logprobs": self._log_probs}]}
        return None


@contextmanager
def serving(engine: FakeTgi | FakeOpenAi) -> Iterator[str]:
    """The engine's address while it is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(None)

        def do_POST(self) -> None:
            self.reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def reply(self, body: Any) -> None:
            found = engine.answer(self.path, body)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
