"""The client for ordinary, blocking code."""

import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Self, Unpack

import httpx2

from selfref.client import conversations
from selfref.client.carriers import Carrier
from selfref.client.conversations import How, LabelPage
from selfref.client.jobs import Jobs
from selfref.client.reading import Reading
from selfref.client.steps import Policy
from selfref.client.transport import DEFAULT_URL, connection
from selfref.messages import ChatMessage, Judgment, Label, State, Stats


class Client:
    """A connection pool to one service; use it as a context manager, from any number of threads.

    `retries` bounds how often a request is tried again where that is safe (see `selfref.client.exchange`).
    Every method raises the errors of `selfref.client.errors`, and ValueError for what can be no pair.
    """

    def __init__(self, url: str = DEFAULT_URL, *, api_key: str | None = None, retries: int = 4) -> None:
        self._policy = Policy(url=url, retries=retries)
        self._http = httpx2.Client(**connection(url, api_key=api_key))
        self._carrier = Carrier(self._http)
        self.jobs = Jobs(self._carrier, policy=self._policy)

    def judge(
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
        return self._carrier.carry_out(conversations.judge(request, key=key, timeout=timeout, policy=self._policy))

    def submit(
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
        return self._carrier.carry_out(conversations.submit(request, key=key, policy=self._policy))

    def get(self, judgment_id: str) -> State:
        """What has become of a pair: waiting, judged, failed or canceled."""
        return self._carrier.carry_out(conversations.get(judgment_id, policy=self._policy))

    def wait_for(self, judgment_id: str, *, timeout: float = 300.0) -> Judgment:
        """The judgment of a pair that was submitted earlier."""
        return self._carrier.carry_out(conversations.wait_for(judgment_id, timeout=timeout, policy=self._policy))

    def cancel(self, judgment_id: str) -> State:
        """Withdraw a pair; the state it has then, which is `judged` or `failed` if it had ended before."""
        return self._carrier.carry_out(conversations.cancel(judgment_id, policy=self._policy))

    def label_page(self, after: str | None = None, *, limit: int = 1000, wait: float = 0.0) -> LabelPage:
        """The next labels after a cursor, waiting up to `wait` seconds where there are none yet."""
        return self._carrier.carry_out(conversations.label_page(after, limit=limit, wait=wait, policy=self._policy))

    def labels(self, after: str | None = None, *, limit: int = 1000) -> Reading[Label]:
        """Every label after a cursor (None: from the beginning) up to the present end of the feed."""

        def page(cursor: str | None) -> tuple[Sequence[Label], str]:
            found = self.label_page(cursor, limit=limit)
            return found.labels, found.cursor

        return Reading(page, after)

    def stats(self) -> Stats:
        """How far position and length decide, and how often no preference comes: all pairs, and by who judged how."""
        return self._carrier.carry_out(conversations.stats(policy=self._policy))

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
