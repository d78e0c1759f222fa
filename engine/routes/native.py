"""TGI's own routes: `/generate`, `/generate_stream`, `POST /` and `/tokenize`."""

import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from engine.errors import EngineError, Invalid
from engine.inference import Generated, Inference
from engine.request import Chosen, Delivery, Ticket
from engine.routes.exchange import About, Engine, event, event_stream, timing_headers, while_connected
from engine.tokens import Encoding, TokenTexts
from engine.wire import (
    BestOfSequence,
    CompatRequest,
    Details,
    ErrorResponse,
    GenerateRequest,
    GenerateResponse,
    Info,
    SimpleToken,
    StreamDetails,
    StreamResponse,
)

ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": ErrorResponse} for status in (422, 424, 429, 500)}

router = APIRouter(responses=ERRORS)


@router.post("/generate", response_model=GenerateResponse)
async def generate(request: Request, body: GenerateRequest, engine: Engine, info: About) -> Response:
    """Generate one text."""
    answer, headers = await _answer(request, body, engine, info)
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


@router.post("/generate_stream", response_model=StreamResponse)
async def generate_stream(body: GenerateRequest, engine: Engine, info: About) -> StreamingResponse:
    """Generate one text, token by token, as server-sent events."""
    engine.metrics.requests.inc()
    return event_stream(_events(engine, body), characters=len(body.inputs), compute_type=info.model_device_type)


@router.post("/", response_model=list[GenerateResponse])
async def compat(request: Request, body: CompatRequest, engine: Engine, info: About) -> Response:
    """`/generate` or, with `stream`, `/generate_stream`; with the prompt unless `return_full_text` is false."""
    if body.parameters.return_full_text is None:
        # TGI's default for a model without a pipeline tag on the hub, as a folder is.
        body.parameters.return_full_text = True
    if body.stream:
        return await generate_stream(body, engine, info)
    answer, headers = await _answer(request, body, engine, info)
    return Response(f"[{answer.model_dump_json()}]", media_type="application/json", headers=headers)


@router.post("/tokenize", response_model=list[SimpleToken])
async def tokenize(body: GenerateRequest, engine: Engine) -> list[SimpleToken]:
    """The tokens of a text, with the special ones that the model adds."""
    encoding = await engine.encode(body.inputs, special=True)
    return simple_tokens(encoding, body.inputs)


def simple_tokens(encoding: Encoding, text: str) -> list[SimpleToken]:
    """Tokens with the piece of text that each covers; empty pieces where the tokenizer cannot tell."""
    offsets = encoding.offsets or [(0, 0)] * len(encoding.ids)
    return [
        SimpleToken(id=token, text=text[start:stop], start=start, stop=stop)
        for token, (start, stop) in zip(encoding.ids, offsets, strict=True)
    ]


async def _answer(
    request: Request, body: GenerateRequest, engine: Inference, info: Info
) -> tuple[GenerateResponse, dict[str, str]]:
    engine.metrics.requests.inc()
    best_of = body.parameters.best_of or 1
    others: list[Generated] = []
    if best_of > 1:
        text, others = await while_connected(request, engine.generate_best_of(body, best_of))
    else:
        text = await while_connected(request, engine.generate(body))
    prompt = body.inputs if body.parameters.return_full_text else ""
    answer = GenerateResponse(generated_text=prompt + text.text)
    if body.parameters.details or body.parameters.decoder_input_details:
        sequences = [BestOfSequence(generated_text=prompt + other.text, **_details(other)) for other in others]
        answer.details = Details(best_of_sequences=sequences, **_details(text))
    headers = timing_headers(text, characters=len(body.inputs), compute_type=info.model_device_type)
    return answer, headers


def _details(text: Generated) -> dict[str, object]:
    return {
        "finish_reason": text.finish_reason,
        "generated_tokens": len(text.tokens),
        "seed": text.seed,
        "prefill": text.prefill,
        "tokens": text.tokens,
        "top_tokens": text.top_tokens,
    }


async def _events(engine: Inference, body: GenerateRequest) -> AsyncIterator[str]:
    try:
        async for each in stream_tokens(engine, body, special=True):
            yield event(each)
    except EngineError as error:
        engine.metrics.failures.inc(value=error.counted_as)
        yield f"data: {orjson.dumps(error.body()).decode()}\n\n"


async def stream_tokens(engine: Inference, body: GenerateRequest, *, special: bool) -> AsyncIterator[StreamResponse]:
    """The events of one text. Raises EngineError."""
    began = time.monotonic()
    if (body.parameters.best_of or 1) != 1:
        raise Invalid("`best_of` != 1 is not supported when streaming tokens")
    if body.parameters.decoder_input_details:
        raise Invalid("`decoder_input_details` == true is not supported when streaming tokens")
    async with engine.in_flight(body, special=special, delivery=Delivery.EACH_TOKEN) as ticket:
        texts = TokenTexts(engine.vocabulary, ticket.job.prompt)
        index = 0
        async for chosen in ticket.stream():
            index += 1
            one = StreamResponse(
                index=index,
                token=engine.wire_token(chosen.id, texts.push(chosen.id), chosen.logprob),
                top_tokens=engine.wire_top(chosen),
            )
            if ticket.finish is not None and index == len(ticket.tokens):
                engine.timings(ticket, began=began)
                _conclude(one, engine, body, ticket)
            yield one


def _conclude(last: StreamResponse, engine: Inference, body: GenerateRequest, ticket: Ticket) -> None:
    """Fill in what only the last event carries."""
    prompt = body.inputs if body.parameters.return_full_text else ""
    last.generated_text = prompt + engine.vocabulary.continuation(ticket.job.prompt, _ids(ticket.tokens))
    if body.parameters.details and ticket.finish is not None:
        last.details = StreamDetails(
            finish_reason=ticket.finish,
            generated_tokens=len(ticket.tokens),
            seed=ticket.seed,
            input_length=len(ticket.job.prompt),
        )


def _ids(tokens: list[Chosen]) -> list[int]:
    return [chosen.id for chosen in tokens]
