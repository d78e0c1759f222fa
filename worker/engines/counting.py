"""The tokens of a chat, on servers of OpenAI's dialect that have a route of their own for it."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import orjson

from selfref.messages import ChatMessage
from worker.engines.dialects import Dialect
from worker.engines.failures import call, nonsense
from worker.engines.probe import PROBE, digest


class Counter:
    """Token ids of rendered chats; only for a dialect whose `counting` is not `none`."""

    def __init__(self, http: httpx2.AsyncClient, dialect: Dialect, *, model: str) -> None:
        self._http = http
        self._dialect = dialect
        self._model = model

    async def chat(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Ids of the chat with its generation prompt."""
        return await self._ids(messages, {"add_generation_prompt": True})

    async def template_digest(self) -> str:
        """Token ids stand for the rendered text, which these servers do not show."""
        return digest(orjson.dumps(await self.chat(PROBE)))

    async def continued(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Ids of the chat up to the end of its last, unfinished assistant turn."""
        return await self._ids(messages, dict(self._dialect.continues or {}))

    async def _ids(self, messages: Sequence[ChatMessage], fields: Mapping[str, Any]) -> list[int]:
        body = {"model": self._model, "messages": [message.model_dump() for message in messages], **fields}
        if self._dialect.counting == "vllm":
            return _integers(await call(self._http, "POST", "/tokenize", body), "tokens")
        if self._dialect.counting == "llama.cpp":
            rendered = await call(self._http, "POST", "/apply-template", body)
            text = rendered.get("prompt") if isinstance(rendered, dict) else None
            asked = {"content": text, "add_special": True, "parse_special": True}
            return _integers(await call(self._http, "POST", "/tokenize", asked), "tokens")
        answer = await call(self._http, "POST", "/chat_tokenize", {**body, "model": "tgi"})
        listed = answer.get("tokenize_response") if isinstance(answer, dict) else None
        if not isinstance(listed, list) or not all(isinstance(token, dict) for token in listed):
            raise nonsense("/chat_tokenize has no tokenize_response")
        return _integers({"tokens": [token.get("id") for token in listed]}, "tokens")


def _integers(answer: object, key: str) -> list[int]:
    values = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, int) for value in values):
        raise nonsense(f"no list of token ids under {key!r}")
    return values
