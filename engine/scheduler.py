"""The model thread: takes requests in order, runs their prompts, and writes all running texts one token per step.

Requests join and leave between any two steps (continuous batching). Everything that touches the model happens in this
one thread; callers hand in a `Ticket` and are woken in their own event loop. A failing forward call fails the texts in
it, as in TGI; any other exception is a bug: it ends the thread, fails what is in flight, and `on_death` is told.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import torch
from torch import Tensor

from engine import prefill
from engine.batch_cache import BatchCache, KeysValues
from engine.errors import EngineError, GenerationFailed, Incomplete
from engine.metrics import Metrics
from engine.model import Inputs, Model
from engine.prefix_cache import SHORTEST, PrefixCache, shared_length
from engine.request import Chosen, Delivery, FinishReason, Ticket
from engine.sampling import choose
from engine.text import Text
from engine.tokens import Vocabulary


@dataclass(frozen=True)
class Limits:
    """How much may run at once."""

    rows: int  # in one decoding step
    prefill_tokens: int  # of prompts between two decoding steps
    batch_tokens: int  # rows x columns of keys and values
    prefix_bytes: int  # kept for reuse; 0: none
    served_ratio: float = 0.0  # waiting prompts, over running texts, from which on they interrupt these at once
    waiting_steps: int = 0  # decoding steps between two interruptions for fewer prompts than that


class Scheduler:
    """Owns the model thread. `submit` and `stop` may be called from any thread."""

    def __init__(
        self,
        model: Model,
        vocabulary: Vocabulary,
        *,
        limits: Limits,
        metrics: Metrics,
        on_death: Callable[[], None] = lambda: None,
    ) -> None:
        self._model = model
        self._vocabulary = vocabulary
        self._limits = limits
        self._metrics = metrics
        self._on_death = on_death
        self._inbox: SimpleQueue[Ticket | None] = SimpleQueue()
        self._open: set[Ticket] = set()  # handed in and not ended yet
        self._waiting: deque[Text] = deque()
        self._running: list[Text] = []
        self._batch = BatchCache(budget=limits.batch_tokens)
        self._prefixes = PrefixCache(budget=limits.prefix_bytes)
        self._news: dict[asyncio.AbstractEventLoop, list[Ticket]] = {}
        self._uninterrupted = 0
        self._busy_since = time.monotonic()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is still in flight fails as incomplete."""
        self._inbox.put(None)
        self._thread.join()

    @property
    def alive(self) -> bool:
        """False once the thread has ended."""
        return self._thread.is_alive()

    def submit(self, ticket: Ticket) -> None:
        """Queue a request. Raises Incomplete where the engine is stopping."""
        if self._closed:
            raise Incomplete
        self._inbox.put(ticket)

    @torch.inference_mode()
    def _run(self) -> None:
        stopped = False
        try:
            while self._receive():
                self._drop_cancelled()
                self._admit()
                self._step()
                self._deliver()
                self._count_busy()
            stopped = True
        finally:
            self._close()
            if not stopped:
                self._on_death()

    def _close(self) -> None:
        """Fail what is in flight, and what was handed in while that happened."""
        self._closed = True
        while not self._inbox.empty():
            left = self._inbox.get()
            self._open.update([] if left is None else [left])
        self._fail(list(self._open), Incomplete())
        self._deliver()

    def _receive(self) -> bool:
        """Take in what callers handed over, waiting where there is nothing to do. False: stop."""
        idle = not (self._running or self._waiting)
        while True:
            try:
                ticket = self._inbox.get(block=idle)
            except Empty:
                break
            if idle:
                self._busy_since = time.monotonic()
            if ticket is None:
                return False
            self._open.add(ticket)
            self._waiting.append(Text(ticket, vocabulary=self._vocabulary, device=self._model.device))
            idle = False
        return True

    def _drop_cancelled(self) -> None:
        """Give the places of callers who went away to others."""
        self._open = {ticket for ticket in self._open if not ticket.cancelled}
        if any(text.ticket.cancelled for text in self._waiting):
            self._waiting = deque(text for text in self._waiting if not text.ticket.cancelled)
        for place in reversed(range(len(self._running))):
            if self._running[place].ticket.cancelled:
                self._leave(place)

    def _admit(self) -> None:
        """Run the prompts of waiting requests, as many as there is room for, and let them join the batch."""
        self._uninterrupted += 1
        if not self._interrupts():
            return
        self._uninterrupted = 0
        budget = self._limits.prefill_tokens
        while budget > 0 and (wave := self._next_wave(budget)):
            budget -= sum(each.new for each in wave)
            for group in prefill.groups(wave):
                self._prefill(group)
            self._deliver()
        self._metrics.queue_size.set(len(self._waiting))

    def _interrupts(self) -> bool:
        """Whether to run prompts before the next decoding step.

        Under load they arrive one by one, and one costs nearly as much as a few together; so a few are waited for.
        """
        ready = min(len(self._waiting), self._limits.rows - len(self._running))
        return ready > 0 and (
            ready >= self._limits.served_ratio * len(self._running) or self._uninterrupted >= self._limits.waiting_steps
        )

    def _next_wave(self, budget: int) -> list[prefill.Plan]:
        """Prompts to run now. One that begins like another of the wave waits for the next, to reuse its work."""
        wave: list[prefill.Plan] = []
        later: list[Text] = []
        while self._waiting and budget > 0 and self._has_room(self._waiting[0], wave):
            each = prefill.plan(self._waiting.popleft(), self._prefixes)
            if self._limits.prefix_bytes and any(
                shared_length(each.tokens, other.tokens) >= each.prefix.length + SHORTEST for other in wave
            ):
                later.append(each.text)
                continue
            budget -= each.new
            wave.append(each)
        self._waiting.extendleft(reversed(later))
        return wave

    def _has_room(self, text: Text, wave: Iterable[prefill.Plan]) -> bool:
        """Whether the batch can take one more; a text too big for any company runs alone."""
        company = [*self._running, *(each.text for each in wave)]
        if not company:
            return True
        widest = max(one.most_tokens for one in [text, *company])
        rows = len(company) + 1
        return rows <= self._limits.rows and rows * widest <= self._limits.batch_tokens

    def _prefill(self, group: list[prefill.Plan]) -> None:
        started = time.monotonic()
        texts = [each.text for each in group]
        for text in texts:
            text.ticket.started_at = started
        try:
            inputs = prefill.inputs(group)
            logits = self._forward(inputs, "prefill")
            if texts[0].ticket.job.prefill_logprobs:
                texts[0].ticket.prompt_logprobs = prompt_logprobs(logits[0], texts[0].history)
            chosen = self._choose(logits[:, -1], texts)
        except (RuntimeError, EngineError) as error:
            self._fail([text.ticket for text in texts], GenerationFailed(str(error)))
            return
        for each, row, token in zip(group, prefill.computed(group, inputs.cache), chosen, strict=True):
            self._after_prompt(each, row, token)
        self._count("prefill", started)

    def _after_prompt(self, each: prefill.Plan, row: KeysValues, token: Chosen) -> None:
        self._metrics.prompt_tokens.inc(len(each.tokens))
        self._metrics.reused_tokens.inc(each.prefix.length)
        if not each.text.ticket.job.prefill_logprobs:
            self._prefixes.put(each.tokens, lambda: [(keys.clone(), values.clone()) for keys, values in row])
        finish = each.text.accept(token, eos_ids=self._model.eos_ids)
        if finish is None:
            self._batch.join(row)
            self._running.append(each.text)
        self._tell(each.text.ticket, finish)

    def _step(self) -> None:
        """One more token for every running text."""
        texts = list(self._running)
        self._metrics.batch_size.set(len(texts))
        self._metrics.batch_tokens.set(sum(text.most_tokens for text in texts))
        if not texts:
            return
        started = time.monotonic()
        try:
            chosen = self._choose(self._decode(texts), texts)
        except (RuntimeError, EngineError) as error:
            self._fail([text.ticket for text in texts], GenerationFailed(str(error)))
            self._running.clear()
            self._batch.clear()
            return
        for place in reversed(range(len(texts))):
            finish = texts[place].accept(chosen[place], eos_ids=self._model.eos_ids)
            if finish is not None:
                self._keep_prefix(place)
                self._leave(place)
            self._tell(texts[place].ticket, finish)
        self._count("decode", started)

    def _decode(self, texts: list[Text]) -> Tensor:
        inputs = Inputs(
            mask=self._batch.before_step(),
            ids=torch.tensor([[text.history[-1]] for text in texts]),
            positions=torch.tensor(self._batch.lengths).unsqueeze(1),
            cache=self._batch,
        )
        logits = self._forward(inputs, "decode")
        self._batch.after_step()
        return logits[:, -1]

    def _forward(self, inputs: Inputs, method: str) -> Tensor:
        with self._metrics.forward_duration.labels(method).time():
            return self._model.forward(inputs)

    def _choose(self, logits: Tensor, texts: list[Text]) -> list[Chosen]:
        return choose(
            logits,
            [text.chooser for text in texts],
            histories=[text.history for text in texts],
            top_n=[text.ticket.job.top_n for text in texts],
        )

    def _keep_prefix(self, place: int) -> None:
        """A prompt may soon continue this text (a verdict is read after its critique): keep what was computed."""
        tokens = self._running[place].tokens(self._batch.lengths[place])
        self._prefixes.put(tokens, lambda: self._batch.row(place))

    def _leave(self, place: int) -> None:
        self._batch.leave(place)
        self._running[place] = self._running[-1]
        self._running.pop()

    def _fail(self, tickets: Iterable[Ticket], error: EngineError) -> None:
        for ticket in tickets:
            ticket.error = error
            self._open.discard(ticket)
            self._news.setdefault(ticket.loop, []).append(ticket)

    def _tell(self, ticket: Ticket, finish: FinishReason | None) -> None:
        ticket.finish = finish
        ticket.published = len(ticket.tokens)
        if finish is not None:
            self._open.discard(ticket)
        if finish is not None or ticket.delivery is Delivery.EACH_TOKEN:
            self._news.setdefault(ticket.loop, []).append(ticket)

    def _deliver(self) -> None:
        """Wake the callers of this step, once per event loop."""
        for loop, tickets in self._news.items():
            loop.call_soon_threadsafe(_wake, tickets)
        self._news = {}

    def _count(self, method: str, started: float) -> None:
        self._metrics.steps.inc(value=method)
        self._metrics.step_duration.labels(method).observe(time.monotonic() - started)

    def _count_busy(self) -> None:
        now = time.monotonic()
        self._metrics.busy_seconds.inc(now - self._busy_since)
        self._busy_since = now


def prompt_logprobs(logits: Tensor, prompt: list[int]) -> list[float]:
    """Log-probability of each prompt token but the first, given those before it. `logits`: (prompt, vocabulary)."""
    following = torch.tensor(prompt[1:], device=logits.device).unsqueeze(1)
    found: list[float] = torch.log_softmax(logits[:-1], dim=-1).gather(1, following).squeeze(1).tolist()
    return found


def _wake(tickets: Iterable[Ticket]) -> None:
    for ticket in tickets:
        ticket.news.set()
