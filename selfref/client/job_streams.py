"""Replies about a job that are read while they come: its progress, and its labels as one file; no I/O."""

from selfref.client.errors import UnexpectedReply, Unreachable
from selfref.client.events import Events
from selfref.client.exchange import delay, exchange
from selfref.client.job_conversations import parsed, path_of
from selfref.client.steps import Conversation, Give, Lost, Open, Pause, Policy, Receive, Stream
from selfref.messages import Job

SILENCE = 45.0  # seconds without a byte after which a stream counts as lost; the service says something every 15
ENDED = "ended"  # name of the last event
EVENTS, PARQUET = "text/event-stream", "application/vnd.apache.parquet"  # media types


def follow(job_id: str, *, policy: Policy) -> Stream[Job]:
    """`GET /jobs/{id}/events`: the job whenever it has changed, until it has ended.

    A connection that breaks off is opened again where it was, `Policy.retries` times in a row without a byte.
    """
    seen, losses = "", 0
    while True:
        last = {"last-event-id": seen} if seen else {}
        send = Open("GET", f"{path_of(job_id)}/events", headers={"accept": EVENTS} | last, patience=SILENCE)
        yield from _open(send, EVENTS, policy)
        events = Events()
        while isinstance(received := (yield Receive()), bytes) and received:
            losses = 0
            for event in events.take(received):
                yield Give(parsed(Job, event.data, policy))
                if event.name == ENDED:
                    return
                seen = event.id
        losses += 1
        if losses > policy.retries:
            raise Unreachable(policy.url, received.reason if isinstance(received, Lost) else "the stream has ended")
        yield Pause(max(delay(losses - 1, None), events.retry))


def parquet(job_id: str, *, policy: Policy) -> Stream[bytes]:
    """`GET /jobs/{id}/results?format=parquet`: the pieces of one file, which only the end of the stream makes whole."""
    send = Open("GET", f"{path_of(job_id)}/results", params={"format": "parquet"}, patience=SILENCE)
    yield from _open(send, PARQUET, policy)
    while received := (yield Receive()):
        if not isinstance(received, bytes):
            raise Unreachable(policy.url, received.reason if isinstance(received, Lost) else "no bytes came")
        yield Give(received)


def _open(send: Open, media_type: str, policy: Policy) -> Conversation[None]:
    reply = yield from exchange(send, policy)
    found = reply.headers.get("content-type", "")
    if found.partition(";")[0].strip() != media_type:
        raise UnexpectedReply(f"{policy.url} answered GET {send.path} with {found!r}; is it a Selfref service?")
