"""Jobs for ordinary, blocking code: `client.jobs`."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, Unpack

import httpx2

from selfref.client import job_conversations as conversations
from selfref.client.conversations import Conversation, Lost, Policy, error_in, may_help_to_repeat
from selfref.client.events import SILENCE, Events, Following
from selfref.client.job_conversations import GZIP_MAGIC, JobHow, JobPage, LineFormat, LinePage, List, path_of
from selfref.client.transport import reply_of
from selfref.messages import Job, JobResult, LineError

T = TypeVar("T")
PAGE = 1000  # lines of one request


class Jobs:
    """Files of pairs; every method raises the errors of `selfref.client.errors`."""

    def __init__(self, http: httpx2.Client, carry_out: Callable[[Conversation[Any]], Any], *, policy: Policy) -> None:
        self._http = http
        self._carry_out = carry_out
        self._policy = policy

    def submit(self, file: str | Path, *, idempotency_key: str | None = None, **how: Unpack[JobHow]) -> Job:
        """Upload a file of JSON lines, plain or gzip; it is safe once this returns. Raises OSError for the file."""
        path = Path(file)
        key = idempotency_key or str(uuid.uuid4())
        gzipped = is_gzipped(path)
        return self._job(conversations.submit(path, how, key=key, gzipped=gzipped, policy=self._policy))

    def get(self, job_id: str) -> Job:
        """How far a job is, and what went wrong in it."""
        return self._job(conversations.get(job_id, policy=self._policy))

    def page(self, after: str | None = None, *, limit: int = 20) -> JobPage:
        """Your jobs, the newest first."""
        found: JobPage = self._carry_out(conversations.page(after, limit=limit, policy=self._policy))
        return found

    def cancel(self, job_id: str) -> Job:
        """Stop a job; the job as it is then."""
        return self._job(conversations.act(job_id, "cancel", policy=self._policy))

    def retry(self, job_id: str) -> Job:
        """Let the failed pairs of a job wait again."""
        return self._job(conversations.act(job_id, "retry", policy=self._policy))

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended; its labels stay in the feed."""
        self._carry_out(conversations.delete(job_id, policy=self._policy))

    def line_page(
        self,
        job_id: str,
        list_: List,
        after: str | None = None,
        *,
        limit: int = PAGE,
        format_: LineFormat | None = None,
    ) -> LinePage:
        """Some lines of a job's results or errors as they are sent."""
        conversation = conversations.lines(job_id, list_, after, limit=limit, format_=format_, policy=self._policy)
        page: LinePage = self._carry_out(conversation)
        return page

    def results(self, job_id: str, after: str | None = None) -> Iterator[JobResult]:
        """Every judgment of a job so far, in the order in which they were made."""
        for page in self._pages(job_id, "results", after):
            yield from (conversations.parsed(JobResult, line, self._policy) for line in page.lines)

    def errors(self, job_id: str, after: str | None = None) -> Iterator[LineError]:
        """Every line of a job that was refused, then every one that could not be judged."""
        for page in self._pages(job_id, "errors", after):
            yield from (conversations.parsed(LineError, line, self._policy) for line in page.lines)

    def result_pages(
        self, job_id: str, after: str | None = None, *, format_: LineFormat = "judgments"
    ) -> Iterator[LinePage]:
        """The results of a job so far as lines, a page at a time."""
        return self._pages(job_id, "results", after, format_=format_)

    def parquet(self, job_id: str) -> Iterator[bytes]:
        """The labels of a job so far as the bytes of one Parquet file."""
        params = {"format": "parquet"}
        try:
            with self._http.stream("GET", f"{path_of(job_id)}/results", params=params, timeout=SILENCE) as response:
                if response.status_code != 200:
                    response.read()
                    raise error_in(reply_of(response), self._policy)
                yield from response.iter_bytes()
        except httpx2.TransportError as error:
            raise error_in(Lost(str(error) or type(error).__name__), self._policy) from error

    def follow(self, job_id: str) -> Iterator[Job]:
        """The job whenever it has changed, until it has ended; goes on by itself after a lost connection."""
        following = Following(job_id, self._policy)
        while not following.ended:
            try:
                yield from self._followed(following)
                pause = 0.0 if following.ended else following.lost("the stream of events ended")
            except httpx2.TransportError as error:
                pause = following.lost(str(error) or type(error).__name__)
            time.sleep(pause)

    def _followed(self, following: Following) -> Iterator[Job]:
        address = f"{path_of(following.job_id)}/events"
        with self._http.stream("GET", address, headers=following.headers, timeout=SILENCE) as response:
            if response.status_code != 200:
                response.read()
                error = error_in(reply_of(response), self._policy)
                if not may_help_to_repeat(error):
                    raise error
                return
            events = Events()
            for line in response.iter_lines():
                if (event := events.take(line)) is not None:
                    yield following.take(event)

    def _pages(
        self, job_id: str, list_: List, after: str | None, *, format_: LineFormat | None = None
    ) -> Iterator[LinePage]:
        while True:
            page = self.line_page(job_id, list_, after, format_=format_)
            yield page
            if not page.lines and page.cursor == after:
                return
            after = page.cursor

    def _job(self, conversation: Conversation[Job]) -> Job:
        job: Job = self._carry_out(conversation)
        return job


def is_gzipped(path: Path) -> bool:
    """Whether a file is gzip, by how it begins. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
