"""Opening a server of OpenAI's dialect: recognise it, find its model, and try how verdicts can be read from it."""

import contextlib
import math
from collections.abc import Mapping
from typing import Any

from selfref.messages import ChatMessage, Usage
from worker.engines.counting import Counter
from worker.engines.dialects import recognise, text_of
from worker.engines.failures import call, unsuitable
from worker.engines.labels import single_labels
from worker.engines.openai import Method, OpenAIEngine, OpenAIWire, TopTokens
from worker.engines.probe import PROBE
from worker.engines.protocol import LABELS, Description, Generation, VerdictTexts
from worker.engines.tgi_selftest import MASS_TOLERANCE, PROBE_CRITIQUE
from worker.errors import EngineFailed, EngineRejected, UnreadableVerdict

OPENING_SLACK = 24  # tokens kept free for the verdict where the server cannot count them
MASKED = -100.0  # log-probs below this under a certain token are a mask, not a model's opinion

_SPOKEN = Generation(text=PROBE_CRITIQUE, finish_reason="stop", usage=Usage())


async def open_openai(
    url: str, *, verdict: VerdictTexts, api_key: str | None, model: str | None, timeout: float, connections: int
) -> OpenAIEngine:
    """Connect and test; raises `EngineUnavailable` (try again) or `EngineUnsuitable` (with what to do)."""
    wire = OpenAIWire(url, api_key=api_key, timeout=timeout, connections=connections)
    try:
        return await _tested(wire, verdict=verdict, model=model)
    except BaseException:
        await wire.aclose()
        raise


async def _tested(wire: OpenAIWire, *, verdict: VerdictTexts, model: str | None) -> OpenAIEngine:
    served = await _served_model(wire, asked=model)
    recognised = await recognise(wire.http)
    dialect, name = recognised.dialect, served["id"]
    counter = None if dialect.counting == "none" else Counter(wire.http, dialect, model=name)
    label_ids = None
    if counter is not None and dialect.takes_label_ids:
        label_ids = await _label_ids(counter, opening=verdict.opening)
    draft = Description(
        engine=dialect.name,
        version=_version(recognised.told),
        model=name,
        revision=text_of(recognised.told, "model_sha"),
        dtype=text_of(recognised.told, "model_dtype"),
        method="verdict-token",
        max_tokens=_max_tokens(served, recognised.told),
        counts_tokens=counter is not None,
        opening_tokens=OPENING_SLACK,
        chat_template=None if counter is None else await counter.template_digest(),
        max_concurrency=_integer(recognised.told.get("max_concurrent_requests")),
        details={
            "continues_assistant_turns": dialect.continues is not None,
            "label_ids": list(label_ids) if label_ids else None,
            "top_logprobs": dialect.top_logprobs,
        },
    )

    engine = OpenAIEngine(
        wire, description=draft, dialect=dialect, verdict=verdict, counter=counter, label_ids=label_ids
    )
    return engine.reading_by(await _method(engine))


async def _method(engine: OpenAIEngine) -> Method:
    """The best way to read verdicts that works here: log-probs, a constrained choice, else an exact last line."""
    prompt = await engine.prepare(PROBE)
    try:
        answer = await engine.verdict_answer(prompt, _SPOKEN)
    except EngineRejected:
        pass  # it refuses `logprobs`
    else:
        if answer.log_probs:
            _require_log_probs(answer.log_probs[0], chosen=answer.tokens[0])
            return "verdict-token"
    try:
        await engine.reading_by("constrained-choice").read_verdict(prompt, _SPOKEN)
        return "constrained-choice"
    except (EngineRejected, EngineFailed, UnreadableVerdict):
        pass
    with contextlib.suppress(UnreadableVerdict):  # one that stumbles here may still judge; one that refuses may not
        await engine.reading_by("last-line").read_verdict(prompt, _SPOKEN)
    return "last-line"


def _require_log_probs(top: TopTokens, *, chosen: str) -> None:
    remedy = "Start the server so that it returns the model's own log-probs (vLLM: --logprobs-mode raw_logprobs)"
    values = sorted((value for _, value in top), reverse=True)
    if any(value > 0 or math.isnan(value) for value in values) or math.fsum(map(math.exp, values)) > 1 + MASS_TOLERANCE:
        raise unsuitable("the engine's top tokens are not log-probabilities", remedy=remedy)
    if not any(text == chosen and value == values[0] for text, value in top):
        raise unsuitable("a greedy call did not choose the most probable token", remedy=remedy)
    if len(values) > 1 and values[1] < MASKED:
        raise unsuitable("the log-probabilities are those after greedy choice, not the model's own", remedy=remedy)


async def _served_model(wire: OpenAIWire, *, asked: str | None) -> dict[str, Any]:
    """The entry of `/v1/models` to judge with: the one asked for, or the only one."""
    try:
        answer = await call(wire.http, "GET", "/v1/models")
    except (EngineRejected, EngineFailed) as error:
        if asked is not None:
            return {"id": asked}  # some servers offer no list
        raise unsuitable(
            f"{wire.root}/v1/models does not answer ({error})",
            remedy="Point SELFREF_ENGINE_URL at an OpenAI-like server, or name the model in SELFREF_WORKER_MODEL",
        ) from error
    listed = answer.get("data") if isinstance(answer, dict) else None
    models = [entry for entry in listed or [] if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    if asked is not None:
        return next((entry for entry in models if entry["id"] == asked), {"id": asked})
    if len(models) != 1:
        names = ", ".join(entry["id"] for entry in models[:10]) or "none"
        raise unsuitable(
            f"{wire.root} serves {len(models)} models ({names})", remedy="Choose with SELFREF_WORKER_MODEL"
        )
    return models[0]


async def _label_ids(counter: Counter, *, opening: str) -> tuple[int, int]:
    texts = [opening, *(f"{opening} {label}" for label in LABELS)]
    turns = [(*PROBE, ChatMessage(role="assistant", content=f"{PROBE_CRITIQUE}\n\n{text}")) for text in texts]
    try:
        return single_labels(*[await counter.continued(turn) for turn in turns])
    except ValueError as error:
        raise unsuitable(
            f"this model's tokenizer does not give a verdict one token: {error}", remedy="Judge with another model"
        ) from error


def _version(told: Mapping[str, Any]) -> str | None:
    return _text(told.get("version", told.get("build_info")))


def _max_tokens(served: Mapping[str, Any], told: Mapping[str, Any]) -> int | None:
    """vLLM and SGLang say it of the model, TGI and llama.cpp of the server, others nowhere."""
    settings = told.get("default_generation_settings")
    of_llama_cpp = settings.get("n_ctx") if isinstance(settings, dict) else None
    found = (served.get("max_model_len"), told.get("max_total_tokens"), of_llama_cpp)
    return next((value for value in map(_integer, found) if value is not None), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None
