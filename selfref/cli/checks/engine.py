"""Can this engine be a judge? Asks it what a worker asks of it, on a text of our own."""

import math
from typing import Any

import httpx2

from selfref.cli.checks.finding import Finding, Part
from selfref.stack.bundled import BUNDLED_MODEL, BUNDLED_NOTE

TIMEOUT = 60.0  # seconds; a cold engine may compile for its first token
OPENING = "By the principle, the better response is Response"  # a verdict is the label that follows
LABELS = (" A", " B")
TOP_TOKENS = 5  # what TGI allows unless it is told otherwise
_ENGINE = Part("engine")


class Unanswered(Exception):
    """The engine did not give what was asked for; the message says what it gave."""


async def check_tgi(url: str, *, api_key: str | None) -> list[Finding]:
    """Reachable, a model that says its name, verdict labels of one token each, and their log-probabilities."""
    async with _client(url, api_key) as http:
        try:
            info = await _json(http, "GET", "/info")
        except Unanswered as failure:
            mend = "Start it, or give --engine-url; for vLLM and its like give --engine openai."
            return [_ENGINE.fail("reachable", f"{url}: {failure}", mend=mend)]
        found = [_ENGINE.ok("reachable", url), _identity(info)]
        found.append(await _found("verdict labels", _labels(http), mend=_OTHER_MODEL))
        found.append(await _found("log-probs", _log_probs(http), mend=_OTHER_BACK_END))
        return found


async def check_openai(url: str, *, api_key: str | None, model: str | None) -> list[Finding]:
    """Reachable, serves the model, and gives log-probabilities with a chat completion."""
    base = url.removesuffix("/v1")
    async with _client(base, api_key) as http:
        try:
            models = await _json(http, "GET", "/v1/models")
            served = [str(entry["id"]) for entry in models["data"]]
        except (Unanswered, KeyError, TypeError) as failure:
            mend = "Start it, or give --engine-url; for TGI leave --engine out."
            return [_ENGINE.fail("reachable", f"{url}: {failure}", mend=mend)]
        found = [_ENGINE.ok("reachable", url)]
        name = model or next(iter(served), "")
        if name not in served:
            seen = f"{name or 'nothing'} is not among {', '.join(served) or 'nothing'}"
            return [*found, _ENGINE.fail("model", seen, mend="Set SELFREF_WORKER_MODEL to one that it serves.")]
        found.append(_ENGINE.ok("model", name))
        found.append(await _found("log-probs", _chat_log_probs(http, name), mend=_VOTES_ONLY))
        return found


_OTHER_MODEL = "Judge with another model; Llama, Mistral, Qwen and Gemma chat models are known to work."
_OTHER_BACK_END = "Use a TGI version and back end that gives top_n_tokens; without it no verdict has a strength."
_VOTES_ONLY = "Let the server give logprobs and top_logprobs; without them a verdict is a vote and has no strength."


def _identity(info: dict[str, Any]) -> Finding:
    name = str(info.get("model_id"))
    if name == BUNDLED_MODEL:
        return _ENGINE.warn("model", name, mend=BUNDLED_NOTE)
    limit = info.get("max_total_tokens")
    return _ENGINE.ok("model", f"{name}, {info.get('model_dtype')}, {limit} tokens, version {info.get('version')}")


async def _labels(http: httpx2.AsyncClient) -> str:
    """Each label must be one token after the opening, and another one than the other label's."""
    opening, *labelled = [await _token_ids(http, OPENING + label) for label in ("", *LABELS)]
    if any(ids[:-1] != opening for ids in labelled) or labelled[0] == labelled[1]:
        raise Unanswered(f"the tokenizer does not make one token each of {LABELS[0]!r} and {LABELS[1]!r}")
    return f"tokens {labelled[0][-1]} and {labelled[1][-1]}"


async def _token_ids(http: httpx2.AsyncClient, text: str) -> list[int]:
    tokens = await _json(http, "POST", "/tokenize", body={"inputs": text})
    try:
        return [int(token["id"]) for token in tokens]
    except (KeyError, TypeError, ValueError) as error:
        raise Unanswered("/tokenize gives no token ids") from error


async def _log_probs(http: httpx2.AsyncClient) -> str:
    parameters = {"max_new_tokens": 1, "do_sample": False, "details": True, "top_n_tokens": TOP_TOKENS}
    answer = await _json(http, "POST", "/generate", body={"inputs": OPENING, "parameters": parameters})
    try:
        top = [float(token["logprob"]) for token in answer["details"]["top_tokens"][0]]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Unanswered("/generate gives no top tokens") from error
    return _checked(top)


async def _chat_log_probs(http: httpx2.AsyncClient, model: str) -> str:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Which response is better? Answer A or B."}],
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": True,
        "top_logprobs": TOP_TOKENS,
    }
    answer = await _json(http, "POST", "/v1/chat/completions", body=body)
    try:
        top = [float(token["logprob"]) for token in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Unanswered("a chat completion gives no top_logprobs") from error
    return _checked(top)


def _checked(log_probs: list[float]) -> str:
    """What to show of top log-probabilities, once they can be some."""
    if not log_probs or any(value > 0 or math.isnan(value) for value in log_probs):
        raise Unanswered("the top tokens carry no log-probabilities")
    mass = math.fsum(math.exp(value) for value in log_probs)
    return f"top {len(log_probs)} tokens hold {mass:.0%}"


async def _found(check: str, asking: Any, *, mend: str) -> Finding:
    try:
        return _ENGINE.ok(check, await asking)
    except Unanswered as failure:
        return _ENGINE.fail(check, str(failure), mend=mend)


def _client(url: str, api_key: str | None) -> httpx2.AsyncClient:
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    return httpx2.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False)


async def _json(http: httpx2.AsyncClient, method: str, path: str, *, body: Any = None) -> Any:
    """A success's JSON; raises Unanswered."""
    try:
        response = await http.request(method, path, json=body)
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise Unanswered(str(error) or type(error).__name__) from error
    if not response.is_success:
        raise Unanswered(f"{path} answers HTTP {response.status_code}: {response.text[:200]}")
    try:
        return response.json()
    except ValueError as error:
        raise Unanswered(f"{path} answers no JSON") from error
