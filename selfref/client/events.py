"""Server-sent events as the service sends them: lines in, events out (WHATWG HTML, section 9.2.6)."""

from dataclasses import dataclass

from selfref.client.conversations import Policy
from selfref.client.errors import Unreachable
from selfref.client.job_conversations import parsed
from selfref.messages import Job

SILENCE = 45.0  # seconds without a byte after which a stream counts as lost; the service says something every 15


@dataclass(frozen=True)
class Event:
    """One event; `id` is what a client that comes back says it has seen."""

    name: str
    id: str
    data: str


class Events:
    """The events of one stream."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def take(self, line: str) -> Event | None:
        """The event that an empty line ends; None for every other line, comments among them."""
        if line:
            name, _, value = line.partition(":")
            self._fields[name] = value.removeprefix(" ")
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields:
            return None
        return Event(fields.get("event", "message"), fields.get("id", ""), fields["data"])


class Following:
    """One job that is followed over any number of connections: what was seen, and how often in a row it was lost."""

    def __init__(self, job_id: str, policy: Policy) -> None:
        self.job_id = job_id
        self.ended = False
        self._policy = policy
        self._seen = ""
        self._losses = 0

    @property
    def headers(self) -> dict[str, str]:
        """What to ask with, so that nothing is told twice."""
        return {"accept": "text/event-stream"} | ({"last-event-id": self._seen} if self._seen else {})

    def take(self, event: Event) -> Job:
        """The job that an event tells of."""
        self._seen, self._losses = event.id, 0
        self.ended = event.name == "ended"
        job: Job = parsed(Job, event.data.encode(), self._policy)
        return job

    def lost(self, reason: str) -> float:
        """Seconds to wait before connecting again. Raises Unreachable once it was lost too often in a row."""
        self._losses += 1
        if self._losses > self._policy.retries:
            raise Unreachable(self._policy.url, reason)
        return min(0.25 * 2.0**self._losses, 5.0)
