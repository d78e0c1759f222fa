"""Requests from the event loop's side: admission, validation off the loop, the wait, and the finished text.

At most `permits` requests are in flight; one more is refused at once and queues nowhere (TGI's 429).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from engine.errors import Incomplete, Overloaded
from engine.metrics import Metrics
from engine.request import Chosen, Delivery, FinishReason, Ticket
from engine.scheduler import Scheduler
from engine.tokens import Encoding, TokenTexts, Vocabulary
from engine.validation import Validator
from engine.wire import GenerateRequest, PrefillToken, Token

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timings:
    """Where the time of one request went, in seconds."""

    total: float
    validation: float
    queue: float
    inference: float
    per_token: float


@dataclass(frozen=True)
class Generated:
    """A finished text."""

    text: str
    finish_reason: FinishReason
    seed: int | None
    input_length: int
    prefill: list[PrefillToken]
    tokens: list[Token]
    top_tokens: list[list[Token]]
    timings: Timings

    @property
    def mean_logprob(self) -> float:
        """Nats per generated token: what `best_of` compares."""
        return sum(token.logprob for token in self.tokens) / len(self.tokens)


class Inference:
    """What the routes talk to; lives in one event loop."""

    def __init__(
        self,
        validator: Validator,
        scheduler: Scheduler,
        vocabulary: Vocabulary,
        *,
        metrics: Metrics,
        permits: int,
        threads: int,
    ) -> None:
        self.vocabulary = vocabulary
        self.metrics = metrics
        self._validator = validator
        self._scheduler = scheduler
        self._permits = permits
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="validation")

    @property
    def healthy(self) -> bool:
        """False once the model thread has died."""
        return self._scheduler.alive

    async def generate(self, request: GenerateRequest, *, special: bool = True) -> Generated:
        """One text, start to end. Raises EngineError."""
        began = time.monotonic()
        async with self.in_flight(request, special=special, delivery=Delivery.AT_THE_END) as ticket:
            await ticket.result()
            timings = self.timings(ticket, began=began)
            return await self.off_loop(partial(self._finished, ticket, timings))

    async def generate_best_of(self, request: GenerateRequest, best_of: int) -> tuple[Generated, list[Generated]]:
        """Several texts at once: the likeliest per token, and the others. Raises EngineError."""
        self._validator.check_best_of(best_of)
        tasks = [asyncio.ensure_future(self.generate(request)) for _ in range(best_of)]
        try:
            texts = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        best = max(range(best_of), key=lambda index: texts[index].mean_logprob)
        return texts[best], [*texts[:best], *texts[best + 1 :]]

    @asynccontextmanager
    async def in_flight(self, request: GenerateRequest, *, special: bool, delivery: Delivery) -> AsyncIterator[Ticket]:
        """A submitted ticket; leaving the block gives its place back, whether it is finished or not."""
        if self._permits == 0:
            raise Overloaded
        self._permits -= 1
        try:
            job = await self.off_loop(partial(self._validator.job, request, special=special))
            self.metrics.input_length.observe(len(job.prompt))
            self.metrics.max_new_tokens.observe(job.max_new_tokens)
            ticket = Ticket(job=job, delivery=delivery)
            self._scheduler.submit(ticket)
            try:
                yield ticket
            finally:
                ticket.cancelled = True
        finally:
            self._permits += 1

    async def encode(self, text: str, *, special: bool) -> Encoding:
        """Tokenize off the loop."""
        return await self.off_loop(partial(self.vocabulary.encode, text, special=special))

    async def off_loop(self, work: Callable[[], Result]) -> Result:
        """Run something slow in a validation thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def timings(self, ticket: Ticket, *, began: float) -> Timings:
        """The times of a finished ticket, and their entry into the metrics."""
        now = time.monotonic()
        started = ticket.started_at or now
        timings = Timings(
            total=now - began,
            validation=ticket.queued_at - began,
            queue=started - ticket.queued_at,
            inference=now - started,
            per_token=(now - started) / len(ticket.tokens),
        )
        self.metrics.successes.inc()
        self.metrics.duration.observe(timings.total)
        self.metrics.validation_duration.observe(timings.validation)
        self.metrics.queue_duration.observe(timings.queue)
        self.metrics.inference_duration.observe(timings.inference)
        self.metrics.token_duration.observe(timings.per_token)
        self.metrics.generated_tokens.observe(len(ticket.tokens))
        return timings

    def wire_token(self, token: int, text: str, logprob: float) -> Token:
        """A token as the wire shows it."""
        return Token(id=token, text=text, logprob=logprob, special=token in self.vocabulary.special_ids)

    def wire_top(self, chosen: Chosen) -> list[Token]:
        """The likeliest tokens at one place, each decoded alone."""
        return [self.wire_token(token, self.vocabulary.alone(token), logprob) for token, logprob in chosen.top]

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _finished(self, ticket: Ticket, timings: Timings) -> Generated:
        prompt, chosen = ticket.job.prompt, ticket.tokens
        if ticket.finish is None:
            raise Incomplete
        texts = TokenTexts(self.vocabulary, prompt)
        return Generated(
            text=self.vocabulary.continuation(prompt, [each.id for each in chosen]),
            finish_reason=ticket.finish,
            seed=ticket.seed,
            input_length=len(prompt),
            prefill=self._prefill(prompt, ticket.prompt_logprobs),
            tokens=[self.wire_token(each.id, texts.push(each.id), each.logprob) for each in chosen],
            top_tokens=[self.wire_top(each) for each in chosen] if ticket.job.top_n else [],
            timings=timings,
        )

    def _prefill(self, prompt: Sequence[int], logprobs: Sequence[float]) -> list[PrefillToken]:
        if not logprobs and len(prompt) > 1:
            return []
        return [
            PrefillToken(id=token, text=self.vocabulary.alone(token), logprob=logprob)
            for token, logprob in zip(prompt, [None, *logprobs], strict=True)
        ]
