"""Adapters from the HTTP dialects of inference servers to `worker.engines.protocol.Engine`."""

from typing import Literal

from worker.engines.protocol import Engine, VerdictTexts


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

    Raises `EngineUnavailable` while the server cannot be reached (try again), and `EngineUnsuitable` when this server or
    model cannot be a judge (do not). `timeout` (seconds) bounds every call; `verdict` is `load_prompts().verdict`.
    """
    raise NotImplementedError
