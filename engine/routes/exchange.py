"""What all routes share of HTTP: the engine behind the application, callers who hang up, headers and event streams."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from engine.inference import Generated, Inference
from engine.wire import Info

Result = TypeVar("Result")


class CallerGone(Exception):
    """The caller closed the connection before its answer was ready."""


# Dependencies are coroutines although they wait for nothing: FastAPI runs plain functions in a thread, call by call.
async def _engine(request: Request) -> Inference:
    engine: Inference = request.app.state.engine
    return engine


async def _info(request: Request) -> Info:
    info: Info = request.app.state.info
    return info


Engine = Annotated[Inference, Depends(_engine)]
About = Annotated[Info, Depends(_info)]


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of `work`, which is cancelled where the caller hangs up first. Raises CallerGone then."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise CallerGone
        return task.result()
    finally:
        gone.cancel()
        task.cancel()


def timing_headers(generated: Generated, *, characters: int, compute_type: str) -> dict[str, str]:
    """TGI's x-headers; whole milliseconds, except x-compute-time in seconds."""
    timings = generated.timings
    return {
        "x-compute-type": compute_type,
        "x-compute-time": str(timings.total),
        "x-compute-characters": str(characters),
        "x-total-time": _milliseconds(timings.total),
        "x-validation-time": _milliseconds(timings.validation),
        "x-queue-time": _milliseconds(timings.queue),
        "x-inference-time": _milliseconds(timings.inference),
        "x-time-per-token": _milliseconds(timings.per_token),
        "x-prompt-tokens": str(generated.input_length),
        "x-generated-tokens": str(len(generated.tokens)),
    }


def event_stream(events: AsyncIterator[str], *, characters: int, compute_type: str) -> StreamingResponse:
    """Server-sent events; the status is 200 whatever happens later."""
    headers = {
        "x-compute-type": compute_type,
        "x-compute-characters": str(characters),
        "x-accel-buffering": "no",
        "cache-control": "no-cache",
    }
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def event(body: BaseModel) -> str:
    """One server-sent event."""
    return f"data: {body.model_dump_json()}\n\n"


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
