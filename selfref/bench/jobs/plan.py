"""What is asked of a run, and what a part of the report is made of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

Figure = tuple[str, str, str]  # key, what it is called, how it is written
Figures = dict[str, float | None]


class Part(StrEnum):
    """What can be measured."""

    UPLOAD = "upload"
    MEMORY = "memory"
    QUEUE = "queue"
    RECOVERY = "recovery"
    FAIRNESS = "fairness"


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of the command. Durations are seconds."""

    sizes: tuple[int, ...]  # lines of an upload
    ended: int  # pairs of each job that are judged while memory is watched
    pairs: int  # pairs that go through the queue
    lease: float  # of a worker, and of a keeper
    big: int  # pairs of the tenant that was there first
    small: int  # pairs of the tenant that comes later
    concurrency: int  # engine calls in flight
    latency: float  # of an engine call, where the engine is what limits


@dataclass(frozen=True, slots=True)
class Case:
    """One column of a part's table; `measure` is called once a run, and stands its own fresh stack."""

    heading: str
    measure: Callable[[], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One part: its table's title, its rows, and the cases that a plan makes."""

    title: str
    figures: tuple[Figure, ...]
    cases: Callable[[Plan], list[Case]]
