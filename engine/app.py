"""The application: the loaded model behind its routes, with TGI's way of refusing malformed requests."""

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

import torch
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import EngineError
from engine.grammar import GrammarCompiler
from engine.inference import Inference
from engine.metrics import Metrics
from engine.model import Model, load_model
from engine.routes import about, chat, completions, native
from engine.routes.exchange import CallerGone
from engine.scheduler import Limits, Scheduler
from engine.settings import Settings
from engine.tokens import load_vocabulary
from engine.validation import RequestLimits, Validator
from engine.wire import Info

MEBIBYTE = 1 << 20
CPU_KV_BYTES = 2048 * MEBIBYTE
CPU_PREFIX_BYTES = 512 * MEBIBYTE
GPU_KV_SHARE, GPU_PREFIX_SHARE = 0.4, 0.2  # of the memory free after loading; growing the batch holds it twice
OPEN_PATHS = frozenset(
    {"/health", "/ping", "/info", "/metrics", "/v1/models", "/chat_tokenize", "/docs", "/openapi.json"}
)
CLOSED_REQUEST = 499  # nginx's status for a caller who hung up; nobody reads it


def create_app(settings: Settings, *, on_death: Callable[[], None] = lambda: None) -> FastAPI:
    """Load the model and build the application; the model thread runs while the application does.

    Raises ModelUnusable. `on_death` is called, in the model thread, where that thread dies of a bug.
    """
    torch.set_num_threads(settings.threads)
    model = load_model(settings.model, device=settings.device, dtype=settings.dtype)
    vocabulary = load_vocabulary(settings.model)
    metrics, info = Metrics(), describe(settings, model)
    scheduler = Scheduler(model, vocabulary, limits=batch_limits(settings, model), metrics=metrics, on_death=on_death)
    engine = Inference(
        Validator(request_limits(settings, info), vocabulary=vocabulary, compiler=GrammarCompiler(vocabulary, model)),
        scheduler,
        vocabulary,
        metrics=metrics,
        permits=settings.max_concurrent_requests,
        threads=settings.validation_workers,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        scheduler.start()
        yield
        scheduler.stop()
        engine.close()

    app = FastAPI(
        title="Selfref engine",
        description="A TGI-compatible server on transformers.",
        version=version("selfref"),
        lifespan=lifespan,
        max_body_size=settings.payload_limit,
    )
    app.state.engine, app.state.info = engine, info
    for router in (native.router, chat.router, completions.router):
        app.include_router(router, dependencies=[Depends(_require_json)])
    app.include_router(about.router)
    _speak_as_tgi(app)
    if settings.api_key is not None:
        app.add_middleware(_RequireKey, key=settings.api_key.get_secret_value())
    return app


def describe(settings: Settings, model: Model) -> Info:
    """What `/info` says."""
    total = min(settings.max_total_tokens or model.context, model.context)
    return Info(
        model_id=settings.model_id or str(settings.model),
        model_sha=settings.revision,
        model_dtype=str(model.dtype).removeprefix("torch."),
        model_device_type=model.device.type,
        model_pipeline_tag=None,
        max_concurrent_requests=settings.max_concurrent_requests,
        max_best_of=settings.max_best_of,
        max_stop_sequences=settings.max_stop_sequences,
        max_input_tokens=min(settings.max_input_tokens or total - 1, total - 1),
        max_total_tokens=total,
        validation_workers=settings.validation_workers,
        max_client_batch_size=settings.max_client_batch_size,
        router="selfref-engine",
        version=version("selfref"),
        sha=None,
        docker_label=None,
    )


def request_limits(settings: Settings, info: Info) -> RequestLimits:
    """The most that one request may ask for."""
    return RequestLimits(
        max_best_of=settings.max_best_of,
        max_stop_sequences=settings.max_stop_sequences,
        max_top_n_tokens=settings.max_top_n_tokens,
        max_input_tokens=info.max_input_tokens,
        max_total_tokens=info.max_total_tokens,
        prefill_logprobs=settings.enable_prefill_logprobs,
    )


def batch_limits(settings: Settings, model: Model) -> Limits:
    """How much may run at once, with the memory that was given or that the device has."""
    kv_bytes, prefix_bytes = float(CPU_KV_BYTES), float(CPU_PREFIX_BYTES)
    if model.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(model.device)
        kv_bytes, prefix_bytes = free * GPU_KV_SHARE, free * GPU_PREFIX_SHARE
    kv_bytes = settings.kv_cache_mib * MEBIBYTE or kv_bytes
    prefix_bytes = settings.prefix_cache_mib * MEBIBYTE or prefix_bytes
    return Limits(
        rows=settings.max_batch_size,
        prefill_tokens=settings.max_batch_prefill_tokens,
        batch_tokens=int(kv_bytes / model.kv_bytes_per_token),
        prefix_bytes=max(int(prefix_bytes), 0),
        served_ratio=settings.waiting_served_ratio,
        waiting_steps=settings.max_waiting_tokens,
    )


async def _require_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise HTTPException(415, "Expected request with `Content-Type: application/json`")


def _speak_as_tgi(app: FastAPI) -> None:
    """Errors in TGI's shapes: JSON for its own, plain text for what its web framework refuses."""

    @app.exception_handler(EngineError)
    async def engine_error(request: Request, error: EngineError) -> Response:
        request.app.state.engine.metrics.failures.inc(value=error.counted_as)
        return JSONResponse(error.body(), status_code=error.status)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            reason = first.get("ctx", {}).get("error", first["msg"])
            return PlainTextResponse(f"Failed to parse the request body as JSON: {reason}", status_code=400)
        where = ".".join(str(part) for part in first["loc"][1:])
        text = f"Failed to deserialize the JSON body into the target type: {where}: {first['msg']}"
        return PlainTextResponse(text, status_code=422)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        return PlainTextResponse(str(error.detail), status_code=error.status_code, headers=error.headers)

    @app.exception_handler(CallerGone)
    async def gone(request: Request, _: CallerGone) -> Response:
        request.app.state.engine.metrics.failures.inc(value="dropped")
        return Response(status_code=CLOSED_REQUEST)


class _RequireKey:
    """`Authorization: Bearer <key>` on what generates; a bare 401 otherwise. TGI ignores case, and so does this."""

    def __init__(self, app: ASGIApp, *, key: str) -> None:
        self._app = app
        self._expected = f"bearer {key}".lower().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or refuse it."""
        if scope["type"] == "http" and not _is_open(scope["method"], scope["path"]):
            given = dict(scope["headers"]).get(b"authorization", b"").lower()
            if not hmac.compare_digest(given, self._expected):
                await Response(status_code=401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_open(method: str, path: str) -> bool:
    return path in OPEN_PATHS or (path == "/" and method == "GET")
