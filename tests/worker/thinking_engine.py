"""An engine in the process: the engine protocol over a small mind, with its calls counted."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from selfref.messages import ChatMessage, Usage
from tests.worker.minds import Mind, criticise, log_probs, shown_answers
from worker.engines.protocol import Description, Generation, Identity, LabelChoice, LabelLogProbs, Prompt, Sampling
from worker.errors import JudgingFailed


class ThinkingEngine:
    """Counts a word as a token; writes references and critiques; reads the verdict off its mind."""

    def __init__(self, mind: Mind, *, method: str = "verdict-token", max_tokens: int | None = None) -> None:
        self.mind = mind
        self.calls: Counter[str] = Counter()
        self.seen: list[Prompt] = []
        self.samplings: list[Sampling] = []
        self.reference: str | None = None  # what it answers; None: something that depends on the prompt and the seed
        self.critique: str | None = None
        self.mass = 0.9
        self.failure: JudgingFailed | None = None  # raised by the next verdict
        self.gate = asyncio.Event()  # critiques wait here
        self.gate.set()
        self.waiting = 0
        self._description = Description(
            engine="thinking",
            version="1",
            model="mind",
            revision=None,
            dtype=None,
            method=method,
            max_tokens=max_tokens,
            counts_tokens=True,
            opening_tokens=8,
            chat_template="words",
        )

    def describe(self) -> Description:
        return self._description

    async def identity(self) -> Identity:
        return self._description.identity

    async def prepare(self, messages: Sequence[ChatMessage]) -> Prompt:
        self.calls["prepare"] += 1
        text = "\n".join(f"<{message.role}> {message.content}" for message in messages)
        return Prompt(messages=tuple(messages), text=text, tokens=len(text.split()))

    async def generate(self, prompt: Prompt, *, sampling: Sampling, max_new_tokens: int) -> Generation:
        self.seen.append(prompt)
        self.samplings.append(sampling)
        shown = shown_answers(prompt.messages[-1].content)
        if shown is None:
            self.calls["reference"] += 1
            said = f"my answer {sampling.seed or 0}" if self.reference is None else self.reference
        else:
            self.calls["critique"] += 1
            said = criticise(*shown) if self.critique is None else self.critique
            self.waiting += 1
            try:
                await self.gate.wait()
            finally:
                self.waiting -= 1
        words = said.split(" ")
        return Generation(
            text=" " + " ".join(words[:max_new_tokens]),
            finish_reason="length" if len(words) > max_new_tokens else "stop",
            usage=Usage(calls=1, prompt_tokens=prompt.tokens or 0, completion_tokens=len(words)),
        )

    async def read_verdict(self, prompt: Prompt, critique: Generation) -> LabelLogProbs | LabelChoice:
        self.calls["verdict"] += 1
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        shown = shown_answers(prompt.messages[-1].content)
        assert shown is not None
        odds = self.mind(*shown)
        usage = Usage(calls=1, prompt_tokens=1, completion_tokens=1)
        if not self._description.reads_log_probs:
            return LabelChoice(first=odds > 0, usage=usage)
        first, second = log_probs(odds, mass=self.mass)
        return LabelLogProbs(first=first, second=second, mass=self.mass, usage=usage)

    async def aclose(self) -> None:
        self.calls["aclose"] += 1


class RememberedReferences:
    """A cache in a dictionary, with one computation for all who ask at once."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get_or_compute(self, key, compute, *, ttl, patience):  # type: ignore[no-untyped-def]
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key in self.texts:
                return self.texts[key], True
            self.texts[key] = await compute()
            return self.texts[key], False
