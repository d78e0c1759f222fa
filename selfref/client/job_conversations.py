"""What the client says to the service about jobs; no I/O, as in `selfref.client.conversations`.

An upload is always sent with an Idempotency-Key, so one whose reply was lost is sent again and is the same job.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypedDict, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from selfref.client.conversations import CURSOR_HEADER
from selfref.client.errors import UnexpectedReply
from selfref.client.exchange import exchange
from selfref.client.steps import Conversation, Policy, Reply, Send
from selfref.client.uploads import Upload
from selfref.messages import Job, JobOptions, JobResult, LineError, Message, Preset

UPLOAD_PATIENCE = 600.0  # seconds from the last byte of an upload to its reply: a slow disk has to take it all
LINES = "application/x-ndjson"
NOTHING_TO_RETRY, UNKNOWN_JOB = "nothing_to_retry", "unknown_job"  # problem codes
LineFormat: TypeAlias = Literal["judgments", "trl", "openrlhf"]

T = TypeVar("T")
M = TypeVar("M", bound=Message)


class JobHow(TypedDict, total=False):
    """The options of an upload, as `selfref.messages.JobOptions` defines them."""

    name: str
    principle: str
    preset: Preset | str
    votes: int | Literal["auto"]
    max_votes: int
    markers: Literal["refuse", "escape"]
    max_refused: float
    canaries: float


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a job's lines in their order, and the cursor that continues after them."""

    items: tuple[T, ...]
    cursor: str


class JobPage(Message):
    """Some jobs, the newest first, and the cursor that continues after them; None where they are the last."""

    jobs: tuple[Job, ...]
    next: str | None


def submit(upload: Upload, options: JobOptions, *, key: str, policy: Policy) -> Conversation[Job]:
    """`POST /jobs`: the upload is safe once this returns."""
    given = options.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    encoding = {"content-encoding": "gzip"} if upload.gzipped else {}
    send = Send(
        "POST",
        "/jobs",
        params={name: str(value) for name, value in given.items()},
        headers={"content-type": LINES, "idempotency-key": key, **encoding},
        file=upload.path,
        patience=UPLOAD_PATIENCE,
    )
    return _job((yield from exchange(send, policy)), policy)


def get(job_id: str, *, policy: Policy) -> Conversation[Job]:
    """`GET /jobs/{id}`."""
    return _job((yield from exchange(Send("GET", path_of(job_id)), policy)), policy)


def cancel(job_id: str, *, policy: Policy) -> Conversation[Job]:
    """`POST /jobs/{id}/cancel`: the job as it is then."""
    return _job((yield from exchange(Send("POST", f"{path_of(job_id)}/cancel"), policy)), policy)


def retry(job_id: str, *, policy: Policy) -> Conversation[Job]:
    """`POST /jobs/{id}/retry`: the job as it is then, also where it was the reply to an earlier try that was lost."""
    send = Send("POST", f"{path_of(job_id)}/retry")
    reply = yield from exchange(send, policy, done_before=NOTHING_TO_RETRY)
    return _job(reply, policy) if reply.status < 400 else (yield from get(job_id, policy=policy))


def delete(job_id: str, *, policy: Policy) -> Conversation[None]:
    """`DELETE /jobs/{id}`: the job, its upload and its results are gone; its labels stay in the feed."""
    yield from exchange(Send("DELETE", path_of(job_id)), policy, done_before=UNKNOWN_JOB)


def job_page(after: str | None, *, limit: int, policy: Policy) -> Conversation[JobPage]:
    """`GET /jobs`."""
    reply = yield from exchange(Send("GET", "/jobs", params=_paging(after, limit)), policy)
    return parsed(JobPage, reply.body, policy)


def line_page(
    job_id: str, after: str | None, *, limit: int, format_: LineFormat, policy: Policy
) -> Conversation[Page[bytes]]:
    """`GET /jobs/{id}/results` in a format of lines: those behind a cursor (None: the first), without their ends."""
    return (yield from _lines(f"{path_of(job_id)}/results", {"format": format_} | _paging(after, limit), policy))


def result_page(job_id: str, after: str | None, *, limit: int, policy: Policy) -> Conversation[Page[JobResult]]:
    """`GET /jobs/{id}/results`: the judgments behind a cursor."""
    page = yield from line_page(job_id, after, limit=limit, format_="judgments", policy=policy)
    return Page(tuple(parsed(JobResult, line, policy) for line in page.items), page.cursor)


def error_page(job_id: str, after: str | None, *, limit: int, policy: Policy) -> Conversation[Page[LineError]]:
    """`GET /jobs/{id}/errors`: the errors behind a cursor."""
    page = yield from _lines(f"{path_of(job_id)}/errors", _paging(after, limit), policy)
    return Page(tuple(parsed(LineError, line, policy) for line in page.items), page.cursor)


def path_of(job_id: str) -> str:
    """Where a job is."""
    return f"/jobs/{quote(job_id, safe='')}"


def parsed(model: type[M], line: bytes | str, policy: Policy) -> M:
    """A document as a message. Raises UnexpectedReply."""
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise UnexpectedReply(f"{policy.url} sent what this client cannot read: {error}") from error


def _lines(address: str, params: Mapping[str, str], policy: Policy) -> Conversation[Page[bytes]]:
    reply = yield from exchange(Send("GET", address, params=params), policy)
    cursor = reply.headers.get(CURSOR_HEADER)
    if cursor is None:
        raise UnexpectedReply(f"{policy.url} answered GET {address} without a cursor; is it a Selfref service?")
    return Page(tuple(line for line in reply.body.split(b"\n") if line), cursor)


def _job(reply: Reply, policy: Policy) -> Job:
    return parsed(Job, reply.body, policy)


def _paging(after: str | None, limit: int) -> dict[str, str]:
    return {"limit": str(limit)} | ({} if after is None else {"after": after})
