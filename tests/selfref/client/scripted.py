"""A service that answers in turn what it is told to, and a clock of our own; no I/O."""

from collections.abc import Iterator
from typing import Any

import orjson

from selfref.client.steps import Conversation, Give, Lost, Outcome, Pause, Policy, Reply, Send, Stream

LOST = Lost("connection reset")


class Scripted:
    """Takes the steps of a conversation; notes what it was sent and how long it was left alone."""

    def __init__(self, *outcomes: Outcome, seconds: float = 0.0) -> None:
        self._outcomes = list(outcomes)
        self._seconds = seconds  # that each answer takes
        self.time = 0.0
        self.sent: list[Send] = []
        self.pauses: list[float] = []
        self.policy = Policy(url="http://test", retries=3, clock=lambda: self.time)

    def hold(self, conversation: Conversation[Any]) -> Any:
        """Carry a conversation to its end; what it returns."""
        return self._end(conversation, [])

    def hear(self, stream: Stream[Any]) -> Iterator[Any]:
        """Carry a stream to its end; what it gave, told also where it ends in an error."""
        given: list[Any] = []
        try:
            self._end(stream, given)
        finally:
            self.given = given
        return iter(given)

    def _end(self, steps: Conversation[Any] | Stream[Any], given: list[Any]) -> Any:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                return end.value
            outcome = self._take(step, given)

    def _take(self, step: Any, given: list[Any]) -> Outcome:
        match step:
            case Pause(seconds):
                self.time += seconds
                self.pauses.append(seconds)
                return None
            case Give(value):
                given.append(value)
                return None
            case Send():
                self.sent.append(step)
        self.time += self._seconds
        return self._outcomes.pop(0)


def problem(status: int, code: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    """The service says no."""
    document = {"status": status, "title": "t", "detail": "d", "code": code, "request_id": "r1", **fields}
    return Reply(status=status, headers=headers or {}, body=orjson.dumps(document))
