"""What the client says to the service about jobs; no I/O, as in `selfref.client.conversations`.

An upload is always sent with an Idempotency-Key, so one whose reply was lost is sent again and is the same job.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from pydantic import ValidationError

from selfref.client.conversations import CURSOR_HEADER, Conversation, Policy, Reply, Send, exchange
from selfref.client.errors import UnexpectedReply
from selfref.messages import Job, JobOptions, Message, Preset

UPLOAD_PATIENCE = 600.0  # seconds from the last byte of an upload to its reply: a slow disk has to take it all
GZIP_MAGIC = b"\x1f\x8b"
LINES = "application/x-ndjson"
List = Literal["results", "errors"]
LineFormat = Literal["judgments", "trl", "openrlhf"]


class JobHow(TypedDict, total=False):
    """The options of an upload, as `selfref.messages.JobOptions` defines them."""

    name: str
    principle: str
    preset: Preset | str
    votes: int
    markers: Literal["refuse", "escape"]
    max_refused: float
    canaries: float


class JobPage(Message):
    """Some jobs, the newest first, and the cursor that continues after them; None where they are the last."""

    jobs: tuple[Job, ...]
    next: str | None


@dataclass(frozen=True)
class LinePage:
    """Some lines of a list, each a JSON document, and the cursor that continues after them."""

    lines: tuple[bytes, ...]
    cursor: str


def submit(file: Path, how: JobHow, *, key: str, gzipped: bool, policy: Policy) -> Conversation[Job]:
    """`POST /jobs`: the upload is safe once this returns. Raises ValueError for an option that cannot be."""
    options = JobOptions.model_validate(how).model_dump(mode="json", exclude_unset=True)
    encoding = {"content-encoding": "gzip"} if gzipped else {}
    send = Send(
        "POST",
        "/jobs",
        params={name: str(value) for name, value in options.items() if value is not None},
        headers={"content-type": LINES, "idempotency-key": key, **encoding},
        file=file,
        patience=UPLOAD_PATIENCE,
    )
    return _job((yield from exchange(send, policy)), policy)


def get(job_id: str, *, policy: Policy) -> Conversation[Job]:
    """`GET /jobs/{id}`."""
    return _job((yield from exchange(Send("GET", path_of(job_id)), policy)), policy)


def act(job_id: str, action: Literal["cancel", "retry"], *, policy: Policy) -> Conversation[Job]:
    """`POST /jobs/{id}/cancel` or `/retry`: the job as it is then."""
    return _job((yield from exchange(Send("POST", f"{path_of(job_id)}/{action}"), policy)), policy)


def delete(job_id: str, *, policy: Policy) -> Conversation[None]:
    """`DELETE /jobs/{id}`: the job, its upload and its results are gone; its labels stay in the feed."""
    yield from exchange(Send("DELETE", path_of(job_id)), policy)


def page(after: str | None, *, limit: int, policy: Policy) -> Conversation[JobPage]:
    """`GET /jobs`."""
    reply = yield from exchange(Send("GET", "/jobs", params=_paging(after, limit)), policy)
    found: JobPage = parsed(JobPage, reply.body, policy)
    return found


def lines(
    job_id: str, list_: List, after: str | None, *, limit: int, format_: LineFormat | None, policy: Policy
) -> Conversation[LinePage]:
    """`GET /jobs/{id}/results` or `/errors`: what follows a cursor (None: the first lines)."""
    params = {**_paging(after, limit), **({} if format_ is None else {"format": format_})}
    reply = yield from exchange(Send("GET", f"{path_of(job_id)}/{list_}", params=params), policy)
    cursor = reply.headers.get(CURSOR_HEADER)
    if cursor is None:
        raise UnexpectedReply(f"{policy.url} answered GET {list_} without a cursor; is it a Selfref service?")
    return LinePage(lines=tuple(line for line in reply.body.splitlines() if line), cursor=cursor)


def path_of(job_id: str) -> str:
    """Where a job is."""
    return f"/jobs/{quote(job_id, safe='')}"


def parsed(model: Any, line: bytes, policy: Policy) -> Any:
    """What was sent as a message. Raises UnexpectedReply."""
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise UnexpectedReply(f"{policy.url} sent what this client cannot read: {error}") from error


def _job(reply: Reply, policy: Policy) -> Job:
    job: Job = parsed(Job, reply.body, policy)
    return job


def _paging(after: str | None, limit: int) -> Mapping[str, str]:
    return {"limit": str(limit)} | ({} if after is None else {"after": after})
