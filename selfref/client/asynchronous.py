"""The client for asyncio code."""

import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Self, Unpack

import httpx2

from selfref.client import conversations
from selfref.client.async_jobs import AsyncJobs
from selfref.client.carriers import AsyncCarrier
from selfref.client.conversations import How, LabelPage
from selfref.client.reading import AsyncReading
from selfref.client.steps import Policy
from selfref.client.transport import DEFAULT_URL, connection
from selfref.messages import ChatMessage, Judgment, Label, State, Stats


class AsyncClient:
    """A connection pool to one service; use it as an async context manager, from any number of tasks.

    `retries` bounds how often a request is tried again where that is safe (see `selfref.client.exchange`).
    Every method raises the errors of `selfref.client.errors`, and ValueError for what can be no pair.
    """

    def __init__(self, url: str = DEFAULT_URL, *, api_key: str | None = None, retries: int = 4) -> None:
        self._policy = Policy(url=url, retries=retries)
        self._http = httpx2.AsyncClient(**connection(url, api_key=api_key))
        self._carrier = AsyncCarrier(self._http)
        self.jobs = AsyncJobs(self._carrier, policy=self._policy)

    async def judge(
        self,
        prompt: str | Sequence[ChatMessage],
        answer_a: str,
        answer_b: str,
        *,
        timeout: float = 300.0,
        idempotency_key: str | None = None,
        **how: Unpack[How],
    ) -> Judgment:
        """The judgment of one pair, waited for up to `timeout` seconds (then `StillWaiting`, and the pair lives on)."""
        request = conversations.request_of(prompt, answer_a, answer_b, how)
        key = idempotency_key or str(uuid.uuid4())
        return await self._carrier.carry_out(
            conversations.judge(request, key=key, timeout=timeout, policy=self._policy)
        )

    async def submit(
        self,
        prompt: str | Sequence[ChatMessage],
        answer_a: str,
        answer_b: str,
        *,
        idempotency_key: str | None = None,
        **how: Unpack[How],
    ) -> State:
        """Hand in one pair without waiting; its `.id` is for `get`, `wait_for` and `cancel`."""
        request = conversations.request_of(prompt, answer_a, answer_b, how)
        key = idempotency_key or str(uuid.uuid4())
        return await self._carrier.carry_out(conversations.submit(request, key=key, policy=self._policy))

    async def get(self, judgment_id: str) -> State:
        """What has become of a pair: waiting, judged, failed or canceled."""
        return await self._carrier.carry_out(conversations.get(judgment_id, policy=self._policy))

    async def wait_for(self, judgment_id: str, *, timeout: float = 300.0) -> Judgment:
        """The judgment of a pair that was submitted earlier."""
        return await self._carrier.carry_out(conversations.wait_for(judgment_id, timeout=timeout, policy=self._policy))

    async def cancel(self, judgment_id: str) -> State:
        """Withdraw a pair; the state it has then, which is `judged` or `failed` if it had ended before."""
        return await self._carrier.carry_out(conversations.cancel(judgment_id, policy=self._policy))

    async def label_page(self, after: str | None = None, *, limit: int = 1000, wait: float = 0.0) -> LabelPage:
        """The next labels after a cursor, waiting up to `wait` seconds where there are none yet."""
        return await self._carrier.carry_out(
            conversations.label_page(after, limit=limit, wait=wait, policy=self._policy)
        )

    def labels(self, after: str | None = None, *, limit: int = 1000) -> AsyncReading[Label]:
        """Every label after a cursor (None: from the beginning) up to the present end of the feed."""

        async def page(cursor: str | None) -> tuple[Sequence[Label], str]:
            found = await self.label_page(cursor, limit=limit)
            return found.labels, found.cursor

        return AsyncReading(page, after)

    async def stats(self) -> Stats:
        """How far position and length decide, and how often no preference comes: all pairs, and by who judged how."""
        return await self._carrier.carry_out(conversations.stats(policy=self._policy))

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
