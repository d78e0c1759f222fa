"""The steps that a conversation with the service is made of, and what can come of each; plain data.

A conversation is a generator that yields steps and is given what came of each. It does no I/O itself, so every rule of
it is a row in a test; `Client` and `AsyncClient` only carry it out.

| step | what comes of it |
| --- | --- |
| `Send` | `Reply` or `Lost` |
| `Open` | the same, but the body of a reply below 400 is left to `Receive` |
| `Receive` | the next bytes of that body, none at its end, or `Lost` |
| `Pause`, `Give` | None |
"""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar

REPLY_GRACE = 15.0  # seconds allowed for a reply beyond the wait that was asked for

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """One HTTP request, with a body or a file's content; `patience` is how many seconds to wait for its reply."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    file: Path | None = None
    patience: float = REPLY_GRACE


@dataclass(frozen=True)
class Open(Send):
    """A request whose reply is read piece by piece; `patience` is also for the silence between two pieces."""


@dataclass(frozen=True)
class Receive:
    """Wait for more of what was opened last."""


@dataclass(frozen=True)
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Give(Generic[T]):
    """Hand a value to the caller, before the conversation goes on."""

    value: T


@dataclass(frozen=True)
class Reply:
    """What the service answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Lost:
    """No reply came: refused, timed out, or cut off."""

    reason: str


Outcome: TypeAlias = Reply | Lost | bytes | None
Conversation: TypeAlias = Generator[Send | Pause, Outcome, T]
Stream: TypeAlias = Generator[Send | Receive | Pause | Give[T], Outcome, None]


@dataclass(frozen=True)
class Policy:
    """How a client behaves: the address it names in errors, how often it tries again, and its clock (seconds)."""

    url: str
    retries: int = 4
    clock: Callable[[], float] = time.monotonic
