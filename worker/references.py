"""The model's own answer to a prompt, written once and shared by both orders and by every pair of that prompt."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Protocol

import orjson

from selfref.messages import ChatMessage, Message, Usage
from worker.engines.protocol import Description, Engine, Sampling


class References(Protocol):
    """A cache that computes each missing text once, however many ask for it; `store.references` is one."""

    async def get_or_compute(
        self, key: str, compute: Callable[[], Awaitable[str]], *, ttl: float, patience: float
    ) -> tuple[str, bool]:
        """The text under `key`, and whether it was there already. `ttl` and `patience` (for others) are seconds."""
        ...


class Written(Message):
    """A reference as it lies in the cache."""

    text: str
    cut: bool  # the token limit ended it


async def own_reference(
    conversation: Sequence[ChatMessage],
    *,
    engine: Engine,
    references: References,
    sampling: Sampling,
    max_new_tokens: int,
    ttl: float,
    patience: float,
) -> tuple[Written, bool, Usage]:
    """The model's answer to this conversation as it wrote it, whether it was cached, and what it cost this caller."""
    spent = Usage()

    async def write() -> str:
        nonlocal spent
        prompt = await engine.prepare(conversation)
        generation = await engine.generate(prompt, sampling=sampling, max_new_tokens=max_new_tokens)
        spent = spent + generation.usage
        return Written(text=generation.text.strip(), cut=generation.cut).model_dump_json()

    key = reference_key(engine.describe(), conversation, sampling=sampling, max_new_tokens=max_new_tokens)
    stored, cached = await references.get_or_compute(key, write, ttl=ttl, patience=patience)
    return Written.model_validate_json(stored), cached, spent


def reference_key(
    engine: Description, conversation: Sequence[ChatMessage], *, sampling: Sampling, max_new_tokens: int
) -> str:
    """A digest of everything that the text depends on; the seed in `sampling` is the sample's number."""
    everything = {
        "engine": engine.engine,
        "model": engine.model,
        "revision": engine.revision,
        "dtype": engine.dtype,
        "chat_template": engine.chat_template,
        "conversation": [message.model_dump() for message in conversation],
        "sampling": asdict(sampling),
        "max_new_tokens": max_new_tokens,
    }
    return hashlib.sha256(orjson.dumps(everything, option=orjson.OPT_SORT_KEYS)).hexdigest()
