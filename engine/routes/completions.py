"""`/v1/completions`, as text-generation-inference speaks it: one or a few prompts, no log-probabilities."""

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import Response

from engine.chat_wire import Completion, CompletionChoice, CompletionRequest
from engine.errors import EngineError, SuffixUnsupported, TooManyPrompts
from engine.inference import Generated, Inference
from engine.routes.chat import failure_event, fingerprint, usage
from engine.routes.exchange import About, Engine, event, event_stream, timing_headers, while_connected
from engine.routes.native import ERRORS, stream_tokens
from engine.wire import GenerateParameters, GenerateRequest, Info

DEFAULT_MAX_TOKENS = 100  # TGI's

router = APIRouter(responses=ERRORS)


@router.post("/v1/completions", response_model=Completion)
async def completions(request: Request, body: CompletionRequest, engine: Engine, info: About) -> Response:
    """Continue each prompt; a stream takes one prompt."""
    engine.metrics.requests.inc()
    if body.suffix is not None:
        raise SuffixUnsupported
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    limit = 1 if body.stream else info.max_client_batch_size
    if len(prompts) > limit:
        raise TooManyPrompts(limit)
    asked = [GenerateRequest(inputs=prompt, parameters=_parameters(body)) for prompt in prompts]
    characters = sum(map(len, prompts))
    if body.stream:
        return event_stream(_events(engine, asked, info), characters=characters, compute_type=info.model_device_type)
    texts = await while_connected(request, _all(engine, asked))
    answer = Completion(
        created=int(time.time()),
        model=info.model_id,
        system_fingerprint=fingerprint(info),
        choices=[
            CompletionChoice(index=index, text=text.text, finish_reason=text.finish_reason)
            for index, text in enumerate(texts)
        ],
        usage=usage(sum(text.input_length for text in texts), sum(len(text.tokens) for text in texts)),
    )
    headers = timing_headers(texts[0], characters=characters, compute_type=info.model_device_type) if texts else {}
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


async def _all(engine: Inference, asked: list[GenerateRequest]) -> list[Generated]:
    tasks = [asyncio.ensure_future(engine.generate(one)) for one in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _events(engine: Inference, asked: list[GenerateRequest], info: Info) -> AsyncIterator[str]:
    try:
        for one in asked:
            async for each in stream_tokens(engine, one, special=True):
                choice = CompletionChoice(
                    index=0,
                    text=each.token.text,
                    finish_reason=each.details.finish_reason if each.details is not None else "",
                )
                yield event(
                    Completion(
                        created=int(time.time()),
                        model=info.model_id,
                        system_fingerprint=fingerprint(info),
                        choices=[choice],
                    )
                )
    except EngineError as error:
        engine.metrics.failures.inc(value=error.counted_as)
        yield failure_event(error)
    yield "data: [DONE]\n\n"


def _parameters(body: CompletionRequest) -> GenerateParameters:
    greedy = body.temperature == 0.0
    return GenerateParameters(
        temperature=None if greedy else body.temperature,
        repetition_penalty=body.repetition_penalty,
        frequency_penalty=body.frequency_penalty,
        top_p=body.top_p,
        do_sample=not greedy,
        max_new_tokens=DEFAULT_MAX_TOKENS if body.max_tokens is None else body.max_tokens,
        stop=body.stop or [],
        details=True,
        seed=body.seed,
    )
