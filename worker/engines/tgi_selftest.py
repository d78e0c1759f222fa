"""Opening a TGI server: a start-up self-test that either says how to judge with it, or why that cannot be done.

A judge whose labels are not single tokens, or whose log-probs are absent, gives numbers that look right and are not.
So everything that a verdict stands on is tried once on a fixed chat before the first pair.
"""

import math
from typing import Any

from worker.engines.failures import unsuitable
from worker.engines.labels import single_labels
from worker.engines.probe import PROBE, digest
from worker.engines.protocol import LABELS, Description, VerdictTexts
from worker.engines.tgi import (
    GRAMMAR,
    Abilities,
    TgiEngine,
    TgiWire,
    generated_tokens,
    opened,
    top_log_probs,
    without_bos,
)
from worker.errors import EngineFailed, EngineRejected

PROBE_CRITIQUE = "Response A names a colour. Response B names none."
TOP_N = (20, 5, 2)  # asked for in turn; TGI's own limit is 5 unless it is started with --max-top-n-tokens
RATIO_TOLERANCE = 0.1  # nats between the labels' odds with and without the grammar; half precision is noisy
MASS_TOLERANCE = 0.01


async def open_tgi(
    url: str, *, verdict: VerdictTexts, api_key: str | None, timeout: float, connections: int
) -> TgiEngine:
    """Connect and test; raises `EngineUnavailable` (try again) or `EngineUnsuitable` (with what to do)."""
    wire = TgiWire(url, api_key=api_key, timeout=timeout, connections=connections)
    try:
        return await _tested(wire, verdict=verdict)
    except BaseException:
        await wire.aclose()
        raise


async def _tested(wire: TgiWire, *, verdict: VerdictTexts) -> TgiEngine:
    info = await _info(wire)
    bos = await _bos(wire)
    text, tokens, rendered = await _probe_chat(wire, bos=bos)
    before = opened(text, PROBE_CRITIQUE, opening=verdict.opening)
    label_ids = await _label_ids(wire, before)
    top_n, seen = await _read_once(wire, before)
    counts = generated_tokens() == 1
    grammar = await _grammar_keeps_ratio(wire, before, label_ids=label_ids, seen=seen, top_n=top_n)
    description = Description(
        engine="tgi",
        version=info.get("version"),
        model=info["model_id"],
        revision=info.get("model_sha"),
        dtype=info.get("model_dtype"),
        method="verdict-token",
        max_tokens=_max_tokens(info),
        counts_tokens=True,
        opening_tokens=await _opening_tokens(wire, text, before),
        chat_template=digest(rendered.encode()),
        max_concurrency=info.get("max_concurrent_requests"),
        details={
            "labels": [f" {label}" for label in LABELS],
            "label_ids": list(label_ids),
            "top_n_tokens": top_n,
            "grammar": grammar,
            "probe_tokens": tokens,
        },
    )
    abilities = Abilities(label_ids=label_ids, top_n=top_n, grammar=grammar, counts=counts)
    return TgiEngine(wire, description=description, abilities=abilities, bos=bos, verdict=verdict)


async def _info(wire: TgiWire) -> dict[str, Any]:
    remedy = "Point SELFREF_ENGINE_URL at a TGI server, or set SELFREF_WORKER_ENGINE=openai for vLLM and its like"
    try:
        info = await wire.info()
    except EngineRejected as error:
        raise unsuitable(f"{wire.url}/info is not there ({error})", remedy=remedy) from error
    except EngineFailed as error:
        raise unsuitable(f"{wire.url}/info is not TGI's ({error})", remedy=remedy) from error
    if not isinstance(info.get("model_id"), str):
        raise unsuitable(f"{wire.url}/info names no model_id", remedy=remedy)
    return info


def _max_tokens(info: dict[str, Any]) -> int | None:
    """Prompt and completion together, as the tighter of the server's two limits allows."""
    total, prompt = info.get("max_total_tokens"), info.get("max_input_tokens", info.get("max_input_length"))
    limits = [limit for limit in (total, prompt + 1 if isinstance(prompt, int) else None) if isinstance(limit, int)]
    return min(limits, default=None)


async def _bos(wire: TgiWire) -> frozenset[int]:
    """What the tokenizer adds in front of a text by itself: a token that covers none of it."""
    tokens = await wire.tokenize("x")
    return frozenset(token["id"] for token in tokens[:1] if token["stop"] == token["start"])


async def _probe_chat(wire: TgiWire, *, bos: frozenset[int]) -> tuple[str, int, str]:
    """The fixed chat as text for `/generate`, its number of tokens, and as the template renders it."""
    try:
        rendered, tokens = await wire.render(PROBE)
    except EngineRejected as error:
        raise unsuitable(
            f"the engine cannot render a chat: {error}",
            remedy="Serve a chat model, or give the server a chat template with --tokenizer-config-path",
        ) from error
    text = without_bos(rendered, tokens, bos=bos)
    ids = [token["id"] for token in await wire.tokenize(text)]
    if len(ids) > 1 and ids[0] in bos and ids[1] in bos:
        raise unsuitable(
            "/generate sees two BOS tokens at the head of a rendered chat",
            remedy="Serve the model with a tokenizer that adds one, or a template that writes none",
        )
    return text, len(tokens), rendered


async def _label_ids(wire: TgiWire, before: str) -> tuple[int, int]:
    texts = (before, *(f"{before} {label}" for label in LABELS))
    tokenized = [[token["id"] for token in await wire.tokenize(text)] for text in texts]
    try:
        return single_labels(*tokenized)
    except ValueError as error:
        raise unsuitable(
            f"this model's tokenizer does not give a verdict one token: {error}",
            remedy="Judge with another model; Llama, Mistral, Qwen and Gemma chat models are known to work",
        ) from error


async def _opening_tokens(wire: TgiWire, text: str, before: str) -> int:
    """What the verdict's opening adds to a critique, a token of slack included for where the two meet."""
    critiqued = f"{text}{PROBE_CRITIQUE}"
    return len(await wire.tokenize(before)) - len(await wire.tokenize(critiqued)) + 1


async def _read_once(wire: TgiWire, before: str) -> tuple[int, dict[int, float]]:
    """The most top tokens that the server gives, and what it gives here; checks that they are log-probabilities."""
    refusal: EngineRejected | None = None
    for top_n in TOP_N:
        try:
            output = await wire.generate(before, max_new_tokens=1, do_sample=False, top_n_tokens=top_n)
        except EngineRejected as error:
            refusal = error
            continue
        seen = top_log_probs(output)
        _require_log_probs(seen, chosen=output.details.tokens[0].id if output.details else -1)
        return top_n, seen
    raise unsuitable(
        f"the engine gives no top tokens: {refusal}", remedy="Start it with --max-top-n-tokens 20"
    ) from refusal


def _require_log_probs(seen: dict[int, float], *, chosen: int) -> None:
    remedy = (
        "Use a TGI version and back end that returns top_n_tokens (the llama.cpp back end does not), or another engine"
    )
    if not seen:
        raise unsuitable("the engine returns no top tokens, so a verdict would have no strength", remedy=remedy)
    values = list(seen.values())
    if any(value > 0 or math.isnan(value) for value in values) or math.fsum(map(math.exp, values)) > 1 + MASS_TOLERANCE:
        raise unsuitable("the engine's top tokens are not log-probabilities", remedy=remedy)
    if seen.get(chosen) != max(values):
        raise unsuitable("a greedy call did not choose the most probable token", remedy=remedy)


async def _grammar_keeps_ratio(
    wire: TgiWire, before: str, *, label_ids: tuple[int, int], seen: dict[int, float], top_n: int
) -> bool:
    """Can a missing label be asked for under a grammar? Without grammars only the top tokens can be read."""
    try:
        output = await wire.generate(before, max_new_tokens=1, do_sample=False, top_n_tokens=top_n, grammar=GRAMMAR)
        allowed = top_log_probs(output)
    except (EngineRejected, EngineFailed):
        return False
    if not all(label in allowed for label in label_ids):
        return False
    if not all(label in seen for label in label_ids):
        return True
    free, bound = ((top[label_ids[0]] - top[label_ids[1]]) for top in (seen, allowed))
    return abs(free - bound) <= RATIO_TOLERANCE
