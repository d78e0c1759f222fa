"""vLLM, SGLang, llama.cpp's server, Ollama and others, through `/v1/chat/completions`.

Where the server can continue an assistant turn, the verdict is the token that follows the opening; where it cannot, a
further turn asks for one fixed line and the label's own position in it is read. Where there are no log-probs, the
verdict is a constrained choice, or that fixed line, or unreadable. It is never searched for in prose.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from selfref.messages import ChatMessage, Usage
from worker.engines.counting import Counter
from worker.engines.dialects import Dialect, text_of, told_by
from worker.engines.failures import call, nonsense
from worker.engines.labels import last_line_names_first, probability_mass, spellings
from worker.engines.protocol import (
    LABELS,
    Description,
    Generation,
    Identity,
    LabelChoice,
    LabelLogProbs,
    Prompt,
    Sampling,
    VerdictTexts,
)
from worker.engines.transport import EngineTransport, new_client
from worker.errors import EngineFailed, EngineRejected, UnreadableVerdict

VERDICT_LINE_TOKENS = 16  # `Verdict: A` in any tokenizer, with room for one that stumbles
Method = Literal["verdict-token", "constrained-choice", "last-line"]

TopTokens = Sequence[tuple[str, float]]  # pairs, as two tokens can look the same
_Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One chat completion, checked for shape."""

    text: str
    finish_reason: str
    log_probs: Sequence[TopTokens]  # one for each generated token; empty where the server gives none
    tokens: Sequence[str]  # the generated tokens that `log_probs` speaks of
    usage: Usage


class OpenAIWire:
    """One server and one model of it; errors in terms of `worker.errors`."""

    def __init__(self, url: str, *, api_key: str | None, timeout: float, connections: int) -> None:
        self.root = url.rstrip("/").removesuffix("/v1")
        self._transport = EngineTransport(connections=connections)
        self.http = new_client(transport=self._transport, base_url=self.root, api_key=api_key, timeout=timeout)

    async def complete(self, body: _Body) -> Answer:
        """`/v1/chat/completions`, not streamed."""
        return _parsed(await call(self.http, "POST", "/v1/chat/completions", body))

    async def serves(self, model: str) -> str:
        """This model's name where the server lists it, or lists nothing; else the names that it lists."""
        try:
            answer = await call(self.http, "GET", "/v1/models")
        except (EngineRejected, EngineFailed):
            return model
        listed = answer.get("data") if isinstance(answer, dict) else None
        names = [str(entry.get("id")) for entry in listed or [] if isinstance(entry, dict)]
        return model if model in names or not names else ", ".join(names[:10])

    async def aclose(self) -> None:
        """Close every connection."""
        await self.http.aclose()
        await self._transport.aclose()


class OpenAIEngine:
    """A server that passed its self-test; implements `worker.engines.protocol.Engine`."""

    def __init__(
        self,
        wire: OpenAIWire,
        *,
        description: Description,
        dialect: Dialect,
        verdict: VerdictTexts,
        counter: Counter | None,
        label_ids: tuple[int, int] | None,
    ) -> None:
        self._wire = wire
        self._description = description
        self._dialect = dialect
        self._verdict = verdict
        self._counter = counter
        self._label_ids = label_ids

    def describe(self) -> Description:
        """What the self-test found."""
        return self._description

    async def identity(self) -> Identity:
        """As far as the dialect tells: by name everywhere, by its tokens where the server counts."""
        told = await told_by(self._wire.http, self._dialect)
        return Identity(
            model=await self._wire.serves(self._description.model),
            revision=text_of(told, "model_sha"),
            dtype=text_of(told, "model_dtype"),
            chat_template=None if self._counter is None else await self._counter.template_digest(),
        )

    def reading_by(self, method: Method) -> "OpenAIEngine":
        """The same server, with verdicts read this way."""
        return OpenAIEngine(
            self._wire,
            description=replace(self._description, method=method),
            dialect=self._dialect,
            verdict=self._verdict,
            counter=self._counter,
            label_ids=self._label_ids,
        )

    async def prepare(self, messages: Sequence[ChatMessage]) -> Prompt:
        """The chat with its tokens counted, where the server counts; it renders the template itself when called."""
        tokens = None if self._counter is None else len(await self._counter.chat(messages))
        return Prompt(messages=tuple(messages), text=None, tokens=tokens)

    async def generate(self, prompt: Prompt, *, sampling: Sampling, max_new_tokens: int) -> Generation:
        """The assistant's next turn."""
        body = self._body(prompt.messages, max_tokens=max_new_tokens) | _sampled(sampling)
        answer = await self._wire.complete(body)
        return Generation(
            text=answer.text,
            finish_reason="length" if answer.finish_reason == "length" else "stop",
            usage=answer.usage,
        )

    async def read_verdict(self, prompt: Prompt, critique: Generation) -> LabelLogProbs | LabelChoice:
        """Both labels' log-probs where the server gives them, else the label that it was made to choose or stated."""
        if self._description.method == "last-line":
            return await self._read_last_line(prompt, critique)
        if self._description.method == "constrained-choice":
            return await self._choose(prompt, critique, spent=Usage())
        answer = await self.verdict_answer(prompt, critique)
        if not answer.log_probs:
            raise nonsense("log-probs were there at the start and are gone")
        first, second = self._labels_in(answer)
        if first is None or second is None:
            return await self._choose(prompt, critique, spent=answer.usage)
        mass = probability_mass([first, second])
        return LabelLogProbs(first=first, second=second, mass=mass, usage=answer.usage)

    async def verdict_answer(self, prompt: Prompt, critique: Generation) -> Answer:
        """The greedy answer in whose log-probs the labels are looked for: one token, or the line that was asked for."""
        wanted: _Body = {"logprobs": True, "top_logprobs": self._dialect.top_logprobs}
        if self._label_ids is not None:
            wanted |= {"logprob_token_ids": list(self._label_ids), "return_tokens_as_token_ids": True}
        if self._dialect.continues is None:
            return await self._wire.complete(self._asked(prompt, critique) | wanted)
        return await self._wire.complete(self._continued(prompt, critique, max_tokens=1) | wanted)

    def _labels_in(self, answer: Answer) -> tuple[float | None, float | None]:
        """By id where the server was asked for ids; by spelling, at the label's own place, elsewhere."""
        if self._label_ids is not None:
            top = dict(answer.log_probs[0])
            first, second = (top.get(f"token_id:{label}") for label in self._label_ids)
            return first, second
        if self._dialect.continues is not None:
            return spellings(answer.log_probs[0])
        places = [index for index, token in enumerate(answer.tokens) if token.strip() in LABELS]
        if last_line_names_first(answer.text) is None or not places:
            return None, None
        return spellings(answer.log_probs[places[-1]])

    async def _choose(self, prompt: Prompt, critique: Generation, *, spent: Usage) -> LabelChoice:
        """A constrained choice; raises `UnreadableVerdict` where the server did not keep to it."""
        if self._dialect.choice_is_json:
            answer = await self._wire.complete(self._asked(prompt, critique) | dict(self._dialect.choice))
            chosen = _json_verdict(answer.text)
        else:
            answer = await self._wire.complete(
                self._continued(prompt, critique, max_tokens=4) | dict(self._dialect.choice)
            )
            chosen = answer.text.strip()
        if chosen not in LABELS:
            raise UnreadableVerdict("the constrained answer is neither label")
        return LabelChoice(first=chosen == LABELS[0], usage=spent + answer.usage)

    async def _read_last_line(self, prompt: Prompt, critique: Generation) -> LabelChoice:
        answer = await self._wire.complete(self._asked(prompt, critique))
        first = last_line_names_first(answer.text)
        if first is None:
            raise UnreadableVerdict("the last line is not exactly 'Verdict: A' or 'Verdict: B'")
        return LabelChoice(first=first, usage=answer.usage)

    def _continued(self, prompt: Prompt, critique: Generation, *, max_tokens: int) -> _Body:
        """Templates strip an assistant turn, so the critique is stripped too; the opening ends without a space."""
        said = "\n\n".join(part for part in (critique.text.strip(), self._verdict.opening) if part)
        messages = (*prompt.messages, ChatMessage(role="assistant", content=said))
        return self._body(messages, max_tokens=max_tokens) | {"temperature": 0} | dict(self._dialect.continues or {})

    def _asked(self, prompt: Prompt, critique: Generation) -> _Body:
        """The question after the critique; without a critique it stands in the same user turn, as turns alternate."""
        question = ChatMessage(role="user", content=self._verdict.question)
        if said := critique.text.strip():
            messages = (*prompt.messages, ChatMessage(role="assistant", content=said), question)
        else:
            asked = ChatMessage(role="user", content=f"{prompt.messages[-1].content}\n\n{question.content}")
            messages = (*prompt.messages[:-1], asked)
        return self._body(messages, max_tokens=VERDICT_LINE_TOKENS) | {"temperature": 0}

    def _body(self, messages: Sequence[ChatMessage], *, max_tokens: int) -> _Body:
        return {
            "model": self._description.model,
            "messages": [message.model_dump() for message in messages],
            "max_tokens": max_tokens,
        }

    async def aclose(self) -> None:
        """Close every connection."""
        await self._wire.aclose()


def _sampled(sampling: Sampling) -> _Body:
    if sampling.greedy:
        return {"temperature": 0}
    body: _Body = {"temperature": sampling.temperature, "seed": sampling.seed}
    return body if sampling.top_p >= 1 else {**body, "top_p": sampling.top_p}


def _json_verdict(text: str) -> str | None:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    verdict = parsed.get("verdict") if isinstance(parsed, dict) else None
    return verdict if isinstance(verdict, str) else None


def _parsed(answer: object) -> Answer:
    try:
        choice = answer["choices"][0]  # type: ignore[index]
        text, usage = choice["message"]["content"], answer.get("usage") or {}  # type: ignore[attr-defined]
        content = (choice.get("logprobs") or {}).get("content") or []
        log_probs = [
            [(top["token"], float(top["logprob"])) for top in token.get("top_logprobs") or []] for token in content
        ]
        return Answer(
            text=text if isinstance(text, str) else "",
            finish_reason=str(choice.get("finish_reason")),
            log_probs=log_probs if any(log_probs) else (),
            tokens=[token["token"] for token in content],
            usage=Usage(
                calls=1,
                prompt_tokens=usage.get("prompt_tokens") or 0,
                completion_tokens=usage.get("completion_tokens") or 0,
            ),
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise nonsense(f"/v1/chat/completions: {type(error).__name__}") from error
