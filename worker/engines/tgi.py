"""Text Generation Inference, spoken natively: `/generate` through huggingface_hub, its other routes by plain HTTP.

What the server does and its documentation does not say decides much here (source read at v3.3.7):
- Without `api_key` huggingface_hub sends the machine's own token to any URL, and without `timeout` it waits for ever.
- `/generate` always adds the BOS token, so the one that the chat template renders is dropped.
- Returned log-probs are those *after* temperature, penalties and grammar, so only a plain greedy call is scored.
- Top tokens are decoded one by one and `A` looks like ` A`: labels are matched by id.
- A prompt's tokens are cached when its request ends, so a verdict asked right after its critique costs little.
- Details carry one object a token, and huggingface_hub takes 30 microseconds to read each: a long turn is asked for
  without details, and its counts are read from the response's headers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx2
from huggingface_hub import AsyncInferenceClient, TextGenerationOutput
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError, TextGenerationError

from selfref.messages import ChatMessage, Usage
from worker.engines.failures import call, explanation, failure_of_status, failure_of_transport, nonsense
from worker.engines.labels import probability_mass
from worker.engines.probe import PROBE, digest
from worker.engines.protocol import (
    LABELS,
    Description,
    Generation,
    Identity,
    LabelLogProbs,
    Prompt,
    Sampling,
    VerdictTexts,
)
from worker.engines.transport import EngineTransport, install_transport, new_client, response_headers
from worker.errors import EngineUnavailable, JudgingFailed, UnreadableVerdict

GRAMMAR = {"type": "regex", "value": f" ({'|'.join(LABELS)})"}
NO_KEY = "-"  # any value keeps huggingface_hub from sending the machine's own token


@dataclass(frozen=True, slots=True)
class Abilities:
    """How this server's verdicts are read, as its self-test found it."""

    label_ids: tuple[int, int]
    top_n: int  # most top tokens that the server returns
    grammar: bool  # does a regex grammar leave the labels' ratio as it is?
    counts: bool  # are token counts in the response's headers?


class TgiWire:
    """The routes of one server, each call once, errors in terms of `worker.errors`."""

    def __init__(self, url: str, *, api_key: str | None, timeout: float, connections: int) -> None:
        self.url = url.rstrip("/")
        self._transport = EngineTransport(connections=connections)
        self._http = new_client(transport=self._transport, base_url=self.url, api_key=api_key, timeout=timeout)
        self._hub = AsyncInferenceClient(api_key=api_key or NO_KEY, timeout=timeout)
        self._installed = False

    async def info(self) -> dict[str, Any]:
        """`/info`: the model and the limits."""
        return _as_object(await call(self._http, "GET", "/info"), "/info")

    async def tokenize(self, text: str) -> list[dict[str, Any]]:
        """`/tokenize`: the tokens of this text as `/generate` would see it, special tokens added."""
        return _as_tokens(await call(self._http, "POST", "/tokenize", {"inputs": text, "parameters": {}}), "/tokenize")

    async def render(self, messages: Sequence[ChatMessage]) -> tuple[str, list[dict[str, Any]]]:
        """`/chat_tokenize`: the chat in the model's own template, and its tokens."""
        body = {"model": "tgi", "messages": [message.model_dump() for message in messages]}
        answer = _as_object(await call(self._http, "POST", "/chat_tokenize", body), "/chat_tokenize")
        text = answer.get("templated_text")
        if not isinstance(text, str):
            raise nonsense("/chat_tokenize has no templated_text")
        tokens = answer.get("tokenize_response")
        if not isinstance(tokens, list) or (tokens and not _is_token(tokens[0])):  # of thousands, one is looked at
            raise nonsense("/chat_tokenize has no tokenize_response")
        return text, tokens

    async def generate(self, text: str, **parameters: Any) -> TextGenerationOutput:
        """`/generate` with details; `parameters` are those of `text_generation`."""
        output = await self._text_generation(text, details=True, **parameters)
        if not isinstance(output.generated_text, str) or output.details is None:
            raise nonsense("/generate has no text or no details")
        return cast("TextGenerationOutput", output)

    async def write(self, text: str, **parameters: Any) -> str:
        """`/generate` without details: only what the model wrote."""
        written = await self._text_generation(text, **parameters)
        if not isinstance(written, str):
            raise nonsense("/generate has no text")
        return written

    async def _text_generation(self, text: str, **parameters: Any) -> Any:
        if not self._installed:  # immediately before the call in which huggingface_hub opens its one client
            install_transport(self._transport)
            self._installed = True
        try:
            return await self._hub.text_generation(
                text, model=f"{self.url}/generate", return_full_text=False, **parameters
            )
        except InferenceTimeoutError as error:
            raise EngineUnavailable("no answer from the engine in time") from error
        except TextGenerationError as error:
            raise _failure(error, sent=len(text.encode())) from error
        except HfHubHTTPError as error:
            said = explanation(error.response.content)
            raise failure_of_status(error.response.status_code, said, sent=len(text.encode())) from error
        except httpx2.HTTPError as error:
            raise failure_of_transport(error) from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:  # its parsers check nothing
            raise nonsense(f"/generate: {type(error).__name__}") from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._hub.close()  # type: ignore[no-untyped-call]
        await self._http.aclose()
        await self._transport.aclose()


class TgiEngine:
    """A TGI server that passed its self-test; implements `worker.engines.protocol.Engine`."""

    def __init__(
        self,
        wire: TgiWire,
        *,
        description: Description,
        abilities: Abilities,
        bos: frozenset[int],
        verdict: VerdictTexts,
    ) -> None:
        self._wire = wire
        self._description = description
        self._abilities = abilities
        self._bos = bos
        self._verdict = verdict

    def describe(self) -> Description:
        """What the self-test found."""
        return self._description

    async def identity(self) -> Identity:
        """From `/info`, and the template from how the fixed chat is rendered now."""
        info = await self._wire.info()
        rendered, _ = await self._wire.render(PROBE)
        return Identity(
            model=str(info.get("model_id")),
            revision=info.get("model_sha"),
            dtype=info.get("model_dtype"),
            chat_template=digest(rendered.encode()),
        )

    async def prepare(self, messages: Sequence[ChatMessage]) -> Prompt:
        """The chat as the model's own template renders it, without the BOS token that `/generate` adds again."""
        text, tokens = await self._wire.render(messages)
        return Prompt(messages=tuple(messages), text=without_bos(text, tokens, bos=self._bos), tokens=len(tokens))

    async def generate(self, prompt: Prompt, *, sampling: Sampling, max_new_tokens: int) -> Generation:
        """The assistant's next turn; one of as many tokens as allowed was ended by the limit (TGI checks it first)."""
        asked = {"max_new_tokens": max_new_tokens, **sampling_parameters(sampling)}
        if self._abilities.counts:
            text = await self._wire.write(prompt.text or "", **asked)
            tokens = generated_tokens()
            if tokens is None:
                raise nonsense("/generate tells no x-generated-tokens, and did when it was tested")
            return Generation(
                text=text,
                finish_reason="length" if tokens >= max_new_tokens else "stop",
                usage=_usage(tokens),
                queued=_queued(),
            )
        output = await self._wire.generate(prompt.text or "", **asked)
        assert output.details is not None  # noqa: S101 - `TgiWire.generate` has checked it
        return Generation(
            text=output.generated_text,
            finish_reason="length" if output.details.finish_reason == "length" else "stop",
            usage=_usage(output.details.generated_tokens),
            queued=_queued(),
        )

    async def read_verdict(self, prompt: Prompt, critique: Generation) -> LabelLogProbs:
        """Both labels from one greedy token; where one is not among the top tokens, their ratio under a grammar."""
        text = opened(prompt.text or "", critique.text, opening=self._verdict.opening)
        output = await self._wire.generate(text, max_new_tokens=1, do_sample=False, top_n_tokens=self._abilities.top_n)
        seen, usage, queued = top_log_probs(output), _usage(1), _queued()
        first, second = (seen.get(label) for label in self._abilities.label_ids)
        if first is not None and second is not None:
            mass = probability_mass([first, second])
            return LabelLogProbs(first=first, second=second, mass=mass, usage=usage, queued=queued)
        if not self._abilities.grammar:
            raise UnreadableVerdict(f"a label is not among the {len(seen)} most probable tokens")
        return await self._read_under_grammar(text, first=first, second=second, usage=usage)

    async def _read_under_grammar(
        self, text: str, *, first: float | None, second: float | None, usage: Usage
    ) -> LabelLogProbs:
        """A grammar leaves the labels' ratio as it is; with one label known before it, the other follows."""
        output = await self._wire.generate(
            text, max_new_tokens=1, do_sample=False, top_n_tokens=self._abilities.top_n, grammar=GRAMMAR
        )
        seen, queued = top_log_probs(output), _queued()
        usage = usage + _usage(1)
        one, other = (seen.get(label) for label in self._abilities.label_ids)
        if one is None or other is None:
            raise UnreadableVerdict("a label has no log-probability even where only labels are allowed")
        if first is not None:
            one, other = first, first - (one - other)
        elif second is not None:
            one, other = second + (one - other), second
        known = first is not None or second is not None
        mass = probability_mass([one, other]) if known else None
        return LabelLogProbs(first=one, second=other, mass=mass, usage=usage, queued=queued)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._wire.aclose()


def opened(prompt: str, critique: str, *, opening: str) -> str:
    """Prompt, critique and the verdict's opening as one text; the critique stays as generated, so that caches match."""
    said = critique.rstrip()
    return f"{prompt}{said}\n\n{opening}" if said else f"{prompt}{opening}"


def without_bos(text: str, tokens: Sequence[dict[str, Any]], *, bos: frozenset[int]) -> str:
    """The rendered chat less a BOS token that the template wrote as text."""
    if tokens and tokens[0]["id"] in bos and tokens[0]["stop"] > tokens[0]["start"]:
        return text[tokens[0]["stop"] :]
    return text


def sampling_parameters(sampling: Sampling) -> dict[str, Any]:
    """As `/generate` takes them: no temperature when greedy (0 is refused), no top-p of 1 (refused too)."""
    if sampling.greedy:
        return {"do_sample": False}
    parameters: dict[str, Any] = {"do_sample": True, "temperature": sampling.temperature, "seed": sampling.seed}
    return parameters if sampling.top_p >= 1 else {**parameters, "top_p": sampling.top_p}


def top_log_probs(output: TextGenerationOutput) -> dict[int, float]:
    """Token id to log-probability at the first generated position; huggingface_hub leaves these as plain dicts."""
    details = output.details
    positions = getattr(details, "top_tokens", None) or [[]]
    if not isinstance(positions, list) or not isinstance(positions[0], list):
        raise nonsense("top_tokens is not a list of lists")
    try:
        return {int(token["id"]): float(token["logprob"]) for token in positions[0] if token["logprob"] is not None}
    except (KeyError, TypeError, ValueError) as error:
        raise nonsense(f"top_tokens: {type(error).__name__}") from error


def _failure(error: TextGenerationError, *, sent: int) -> JudgingFailed:
    """huggingface_hub names errors by class; the status, which decides, is on the error that each came from."""
    cause = error.__cause__
    status = cause.response.status_code if isinstance(cause, HfHubHTTPError) else 500
    return failure_of_status(status, str(error), sent=sent)


def generated_tokens() -> int | None:
    """How many tokens the last answer to this task has, where the server's headers tell."""
    return _header("x-generated-tokens")


def _usage(completion_tokens: int | None) -> Usage:
    return Usage(calls=1, prompt_tokens=_header("x-prompt-tokens") or 0, completion_tokens=completion_tokens or 0)


def _queued() -> float | None:
    milliseconds = _header("x-queue-time")
    return None if milliseconds is None else milliseconds / 1000


def _header(name: str) -> int | None:
    headers = response_headers()
    text = headers.get(name, "") if headers else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _as_object(answer: object, path: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise nonsense(f"{path} is not an object")
    return answer


def _as_tokens(answer: object, path: str) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(_is_token(token) for token in answer):
        raise nonsense(f"{path} is not a list of tokens with id, start and stop")
    return answer


def _is_token(token: object) -> bool:
    if type(token) is not dict:
        return False
    return type(token.get("id")) is int and type(token.get("start")) is int and type(token.get("stop")) is int
