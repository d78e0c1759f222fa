"""`/v1/chat/completions` and `/chat_tokenize`, as text-generation-inference speaks them (router/src/server.rs)."""

import time
from collections.abc import AsyncIterator
from functools import partial

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from engine.chat_wire import (
    ChatChoice,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    ChatTokenizeResponse,
    ChunkChoice,
    Delta,
    Logprobs,
    OutputMessage,
    TokenLogprob,
    TopLogprob,
    Usage,
)
from engine.errors import EngineError, ToolsUnsupported
from engine.inference import Inference
from engine.routes.exchange import About, Engine, event, event_stream, timing_headers, while_connected
from engine.routes.native import ERRORS, simple_tokens, stream_tokens
from engine.template import render
from engine.wire import FinishReason, GenerateParameters, GenerateRequest, Info, StreamResponse, Token

router = APIRouter(responses=ERRORS)

FINISH_REASONS: dict[FinishReason, str] = {"eos_token": "stop", "length": "length", "stop_sequence": "stop_sequence"}


@router.post("/v1/chat/completions", response_model=ChatCompletion)
async def chat_completions(request: Request, body: ChatRequest, engine: Engine, info: About) -> Response:
    """Answer a conversation, or continue its last message where that is the assistant's."""
    engine.metrics.requests.inc()
    asked = await to_generate(engine, body)
    if body.stream:
        return event_stream(
            _events(engine, body, asked, info), characters=len(asked.inputs), compute_type=info.model_device_type
        )
    text = await while_connected(request, engine.generate(asked, special=False))
    tops = text.top_tokens or [[] for _ in text.tokens]
    pairs = [_logprob(token, top) for token, top in zip(text.tokens, tops, strict=True)]
    answer = ChatCompletion(
        created=int(time.time()),
        model=info.model_id,
        system_fingerprint=fingerprint(info),
        choices=[
            ChatChoice(
                message=OutputMessage(content=text.text),
                logprobs=Logprobs(content=pairs) if body.logprobs else None,
                finish_reason=FINISH_REASONS[text.finish_reason],
            )
        ],
        usage=usage(text.input_length, len(text.tokens)),
    )
    headers = timing_headers(text, characters=len(asked.inputs), compute_type=info.model_device_type)
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


@router.post("/chat_tokenize", response_model=ChatTokenizeResponse)
async def chat_tokenize(body: ChatRequest, engine: Engine) -> ChatTokenizeResponse:
    """The prompt that a conversation becomes, and its tokens."""
    engine.metrics.requests.inc()
    text = (await to_generate(engine, body)).inputs
    encoding = await engine.encode(text, special=False)
    return ChatTokenizeResponse(tokenize_response=simple_tokens(encoding, text), templated_text=text)


async def to_generate(engine: Inference, body: ChatRequest) -> GenerateRequest:
    """The same as a native request. Greedy only at temperature 0; TGI adds 2 to presence_penalty and so does this."""
    if body.tools:
        raise ToolsUnsupported
    greedy = body.temperature == 0.0
    parameters = GenerateParameters(
        temperature=None if greedy else body.temperature,
        repetition_penalty=None if body.presence_penalty is None else body.presence_penalty + 2.0,
        frequency_penalty=body.frequency_penalty,
        top_p=body.top_p,
        do_sample=not greedy,
        max_new_tokens=body.max_tokens,
        stop=body.stop or [],
        details=True,
        seed=body.seed,
        top_n_tokens=body.top_logprobs,
        grammar=body.response_format,
    )
    inputs = await engine.off_loop(partial(render, engine.vocabulary, body.messages))
    return GenerateRequest(inputs=inputs, parameters=parameters)


def fingerprint(info: Info) -> str:
    """`system_fingerprint`, in TGI's form."""
    return f"{info.version}-{info.docker_label or 'native'}"


def usage(prompt_tokens: int, completion_tokens: int) -> Usage:
    """Token counts and their sum."""
    return Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=prompt_tokens + completion_tokens,
    )


def failure_event(error: EngineError) -> str:
    """An error inside a stream; OpenAI-shaped, and with TGI's habit of calling every one of them 422."""
    body = {"error": {"message": str(error), "http_status_code": 422}}
    return f"data: {orjson.dumps(body).decode()}\n\n"


async def _events(engine: Inference, body: ChatRequest, asked: GenerateRequest, info: Info) -> AsyncIterator[str]:
    chunk = partial(
        ChatCompletionChunk, created=int(time.time()), model=info.model_id, system_fingerprint=fingerprint(info)
    )
    counts = None
    try:
        async for one in stream_tokens(engine, asked, special=False):
            yield event(chunk(choices=[_chunk_choice(one, with_logprobs=bool(body.logprobs))]))
            if one.details is not None:
                counts = usage(one.details.input_length, one.details.generated_tokens)
    except EngineError as error:
        engine.metrics.failures.inc(value=error.counted_as)
        yield failure_event(error)
    if counts is not None and body.stream_options is not None and body.stream_options.include_usage:
        yield event(chunk(choices=[], usage=counts))
    yield "data: [DONE]\n\n"


def _chunk_choice(one: StreamResponse, *, with_logprobs: bool) -> ChunkChoice:
    return ChunkChoice(
        delta=Delta(content="" if one.token.special else one.token.text),
        logprobs=Logprobs(content=[_logprob(one.token, one.top_tokens)]) if with_logprobs else None,
        finish_reason=FINISH_REASONS[one.details.finish_reason] if one.details is not None else None,
    )


def _logprob(token: Token, top: list[Token]) -> TokenLogprob:
    return TokenLogprob(
        token=token.text,
        logprob=token.logprob,
        top_logprobs=[TopLogprob(token=each.text, logprob=each.logprob) for each in top],
    )
