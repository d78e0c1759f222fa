"""Adapters from the HTTP dialects of inference servers to `worker.engines.protocol.Engine`."""

from typing import Literal

from worker.engines.failures import unsuitable
from worker.engines.openai_selftest import open_openai
from worker.engines.protocol import Engine, VerdictTexts
from worker.engines.tgi_selftest import open_tgi
from worker.errors import EngineFailed, EngineOverloaded, EngineRejected, EngineUnavailable

CONNECTIONS = 256  # beyond what any gate lets through: callers that only count tokens wait for nothing


async def open_engine(
    kind: Literal["tgi", "openai"],
    url: str,
    *,
    verdict: VerdictTexts,
    api_key: str | None = None,
    model: str | None = None,
    timeout: float = 300.0,
) -> Engine:
    """Connect, run the start-up self-test, and return an engine that passed it.

    Raises `EngineUnavailable` while the server cannot be reached (try again), and `EngineUnsuitable` when this server
    or model cannot be a judge (do not). `timeout` (seconds) bounds every call; `verdict` is `load_prompts().verdict`;
    `model` is needed where an `openai` server offers several.
    """
    try:
        if kind == "tgi":
            return await open_tgi(url, verdict=verdict, api_key=api_key, timeout=timeout, connections=CONNECTIONS)
        return await open_openai(
            url, verdict=verdict, api_key=api_key, model=model, timeout=timeout, connections=CONNECTIONS
        )
    except (EngineOverloaded, EngineFailed) as error:
        raise EngineUnavailable(f"the self-test did not get through: {error}") from error
    except EngineRejected as error:
        raise unsuitable(
            f"the engine refused the self-test: {error}",
            remedy="Check SELFREF_ENGINE_URL, SELFREF_WORKER_ENGINE and SELFREF_WORKER_ENGINE_API_KEY",
        ) from error
