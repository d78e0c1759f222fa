"""From what went wrong on the wire to the error tree: the same statuses mean the same thing on every engine."""

import httpx2
import orjson

from worker.errors import (
    EngineFailed,
    EngineMisconfigured,
    EngineOverloaded,
    EngineRejected,
    EngineUnavailable,
    EngineUnsuitable,
    JudgingFailed,
    RequestTooLarge,
)

LONGEST_QUOTE = 300  # characters of an engine's own words that a message carries

_UNAVAILABLE = frozenset({408, 502, 503, 504})
_MISCONFIGURED = {  # and which setting to look at
    401: "set SELFREF_WORKER_ENGINE_API_KEY to the engine's key",
    403: "set SELFREF_WORKER_ENGINE_API_KEY to a key that the engine lets in",
    404: "check SELFREF_ENGINE_URL, SELFREF_WORKER_ENGINE and SELFREF_WORKER_MODEL",
    405: "check SELFREF_ENGINE_URL and SELFREF_WORKER_ENGINE",
}


def failure_of_status(status: int, said: str, *, sent: int) -> JudgingFailed:
    """The error that this HTTP status stands for; `said` is the engine's explanation, `sent` the request's bytes."""
    words = f"engine answered {status}: {said[:LONGEST_QUOTE] or 'without a word'}"
    if status == 429:
        return EngineOverloaded(words)
    if status == 413:
        return RequestTooLarge(sent=sent, said=said[:LONGEST_QUOTE])
    if status in _MISCONFIGURED:
        return EngineMisconfigured(f"{words}; {_MISCONFIGURED[status]}")
    if status in _UNAVAILABLE:
        return EngineUnavailable(words)
    if status == 424 or status >= 500:
        return EngineFailed(words)
    return EngineRejected(words)


def failure_of_transport(error: httpx2.HTTPError) -> EngineUnavailable:
    """No answer at all: refused, broken off, or too late."""
    return EngineUnavailable(f"no answer from the engine: {type(error).__name__} {error}".rstrip())


def nonsense(what: str) -> EngineFailed:
    """The engine answered with success and with something that is not what its protocol says."""
    return EngineFailed(f"the engine's answer makes no sense: {what}")


def explanation(body: bytes) -> str:
    """What an error body says, in the shapes of TGI (`error`), of OpenAI (`error.message`) and of plain text."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:LONGEST_QUOTE].decode(errors="replace")
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    return str(error.get("message", error) if isinstance(error, dict) else error)


async def call(http: httpx2.AsyncClient, method: str, path: str, body: object = None) -> object:
    """One request and its JSON answer; raises from the error tree, `EngineFailed` for an answer that is not JSON."""
    content = None if body is None else orjson.dumps(body)
    headers = None if body is None else {"content-type": "application/json"}
    try:
        response = await http.request(method, path, content=content, headers=headers)
    except httpx2.HTTPError as error:
        raise failure_of_transport(error) from error
    if response.status_code != 200:
        raise failure_of_status(response.status_code, explanation(response.content), sent=len(content or b""))
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise nonsense(f"{path} is not JSON") from None


def unsuitable(found: str, *, remedy: str) -> EngineUnsuitable:
    """A start-up error in two sentences: what was found, and what to do about it."""
    return EngineUnsuitable(f"{found}. {remedy}.")
