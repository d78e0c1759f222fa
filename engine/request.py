"""One request on its way through the engine: what is asked (`Job`), and what comes back (`Ticket`)."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from engine.errors import EngineError
from engine.grammar import Grammar

FinishReason = Literal["length", "eos_token", "stop_sequence"]


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; the defaults choose the likeliest one. Meanings are those of TGI's parameters."""

    sampled: bool = False
    seed: int = 0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0


@dataclass(frozen=True)
class Job:
    """A validated request: everything the model thread needs and nothing about HTTP."""

    prompt: Sequence[int]
    max_new_tokens: int
    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    top_n: int = 0
    prefill_logprobs: bool = False
    grammar: Grammar | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A generated token, its log-probability (nats, after penalties, grammar and warpers), and the likeliest ones."""

    id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


class Delivery(Enum):
    """When the caller is woken."""

    EACH_TOKEN = "each token"  # noqa: S105  # not a password
    AT_THE_END = "at the end"


@dataclass(eq=False)
class Ticket:
    """A job in flight. The model thread writes it; the event loop that made it reads it.

    `finish` or `error` is set exactly once. `published` tokens may be read; it counts the last one only after `finish`
    is set, so that whoever reads the last token knows it for the last. `cancelled` is the caller's: the row is dropped
    before the next step.
    """

    job: Job
    delivery: Delivery = Delivery.AT_THE_END
    tokens: list[Chosen] = field(default_factory=list)
    published: int = 0
    prompt_logprobs: list[float] = field(default_factory=list)
    finish: FinishReason | None = None
    error: EngineError | None = None
    cancelled: bool = False
    queued_at: float = field(default_factory=time.monotonic)
    started_at: float | None = None
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self.finish is not None or self.error is not None

    @property
    def seed(self) -> int | None:
        """The seed as TGI reports it: only for sampled texts."""
        return self.job.sampling.seed if self.job.sampling.sampled else None

    async def stream(self) -> AsyncIterator[Chosen]:
        """Each token as it comes. Raises the engine's error."""
        given = 0
        while self.error is None:
            while given < self.published:
                yield self.tokens[given]
                given += 1
            if self.finish is not None and given == len(self.tokens):
                return
            await self.news.wait()
            self.news.clear()
        raise self.error

    async def result(self) -> Sequence[Chosen]:
        """All tokens, once the text is finished. Raises the engine's error."""
        while not self.ended:
            await self.news.wait()
            self.news.clear()
        if self.error is not None:
            raise self.error
        return self.tokens
