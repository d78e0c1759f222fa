"""A pair in, a judgment out: reference, critique in both orders, verdict in both orders, reconciled."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from selfref.messages import Judgment, Work
from worker.engines.protocol import Engine


class References(Protocol):
    """A cache that computes each missing text once; `store.references` is one."""

    async def get_or_compute(
        self, key: str, compute: Callable[[], Awaitable[str]], *, ttl: float, patience: float
    ) -> tuple[str, bool]:
        """The text under `key` and whether it was there already."""
        ...


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """What an operator may change about the method."""

    reference_tokens: int = 512
    critique_tokens: int = 512
    tie_width: float = 0.1  # nats; below this the two answers are equal, as engines repeat themselves no better
    reference_ttl: float = 7 * 24 * 3600.0
    reference_patience: float = 300.0  # how long to wait for another task that is writing the same reference


async def judge(work: Work, *, engine: Engine, references: References, settings: MethodSettings) -> Judgment:
    """The judgment of this pair; raises `worker.errors.JudgingFailed` where there is none, never a made-up verdict."""
    raise NotImplementedError
