"""The service as its callers reach it: any gateway, answers or none, and patience."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from selfref.messages import FailureCode
from tests.chaos.history import Fault, History

PATIENCE = 5.0  # seconds for an answer
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two tries
FAILURES = frozenset(code.value for code in FailureCode)  # how a pair ends as failed, as problem codes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    asked: float
    at: float
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return orjson.loads(self.body)

    @property
    def code(self) -> str | None:
        """What a problem is, for a program."""
        return str(self.json()["code"]) if "problem+json" in self.headers.get("content-type", "") else None

    def lines(self) -> list[Any]:
        """The body, a message a line."""
        return [orjson.loads(line) for line in self.body.splitlines()]


class Api:
    """One tenant's access; a gateway that fails is followed by the next."""

    def __init__(self, session: aiohttp.ClientSession, *, gateways: list[str], key: str, history: History) -> None:
        self._session = session
        self._gateways = gateways
        self._headers = {"authorization": f"Bearer {key}"}
        self._history = history
        self._turn = 0

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        patience: float = PATIENCE,
    ) -> Answer | None:
        """One request to one gateway; None where no whole answer came."""
        self._turn += 1
        url = self._gateways[self._turn % len(self._gateways)] + path
        sent = {**self._headers, **(headers or {})}
        timeout, asked = aiohttp.ClientTimeout(total=patience), time.monotonic()
        try:
            async with self._session.request(
                method, url, params=params, headers=sent, data=body, timeout=timeout
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        answer = Answer(
            asked=asked,
            at=time.monotonic(),
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=content,
        )
        if answer.status == 500 or (answer.status >= 400 and answer.code is None):
            self._history.records.append(
                Fault(at=answer.at, what=f"{method} {path} was answered {answer.status}: {content[:300]!r}")
            )
        return answer

    async def insist(
        self, method: str, path: str, *, before: Callable[[], object] = lambda: None, **how: Any
    ) -> Answer:
        """Asks until there is an answer that is no passing refusal; calls `before` ahead of each try."""
        pause = FIRST_PAUSE
        while True:
            before()
            answer = await self.ask(method, path, **how)
            if answer is not None and not passes(answer):
                return answer
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def passes(answer: Answer) -> bool:
    """Whether this answer is a refusal that the same request may overcome; a pair's own failure is no refusal."""
    if answer.code == "request_in_progress":
        return True
    return answer.status in (429, 500, 503) and answer.code not in FAILURES


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections for all callers."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False) as opened:
        yield opened
