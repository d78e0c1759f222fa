"""One caller of `/jobs` over real HTTP: uploads files and watches what becomes of them."""

import asyncio
import http.client
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import orjson

LOOK_AGAIN = 0.02  # seconds between two looks at a job
BLOCK = 1024 * 1024  # bytes of a file sent at once
UPLOAD_PATIENCE = 600.0  # seconds

Job: TypeAlias = dict[str, Any]


class JobFailed(Exception):
    """The service answered something else than what was measured for."""


class Caller:
    """One tenant; `calling` is the way in."""

    def __init__(self, url: str, session: aiohttp.ClientSession, *, key: str | None) -> None:
        self._address = urlsplit(url).netloc
        self._session = session
        self._headers = {"authorization": f"Bearer {key}"} if key else {}

    @classmethod
    @asynccontextmanager
    async def calling(cls, url: str, *, key: str | None = None) -> AsyncIterator["Caller"]:
        """Opens and closes the connections."""
        async with aiohttp.ClientSession(url) as session:
            yield cls(url, session, key=key)

    async def upload(self, file: Path) -> Job:
        """Send a file of lines, gzipped where its name says so, as fast as it is taken. Raises JobFailed."""
        return await asyncio.to_thread(self._upload, file)

    async def job(self, job_id: str) -> Job | None:
        """The job as it is now; None while the service cannot say."""
        try:
            async with self._session.get(f"/jobs/{job_id}", headers=self._headers) as answer:
                if answer.status == http.HTTPStatus.OK:
                    job: Job = orjson.loads(await answer.read())
                    return job
        except aiohttp.ClientConnectionError:
            pass
        return None

    async def until(self, job_id: str, reached: Callable[[Job], bool], *, within: float) -> Job:
        """The job, once it has come so far. Raises JobFailed where that takes longer than `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while True:
                    job = await self.job(job_id)
                    if job is not None and reached(job):
                        return job
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise JobFailed(f"{job_id} did not come so far in {within:g} s") from None

    def _upload(self, file: Path) -> Job:
        headers = {**self._headers, "content-type": "application/x-ndjson", "content-length": str(file.stat().st_size)}
        if file.suffix == ".gz":
            headers["content-encoding"] = "gzip"
        connection = http.client.HTTPConnection(self._address, timeout=UPLOAD_PATIENCE, blocksize=BLOCK)
        try:
            with file.open("rb") as body:
                connection.request("POST", "/jobs", body=body, headers=headers)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.ACCEPTED:
            raise JobFailed(f"the upload was answered {answer.status}: {told.decode(errors='replace')}")
        job: Job = orjson.loads(told)
        return job


def ended(job: Job) -> int:
    """Pairs of the job that have ended."""
    counts: dict[str, int] = job["counts"]
    return counts["submitted"] - counts["waiting"]


def read(job: Job) -> bool:
    """True once its lines have been read."""
    return bool(job["status"] != "validating")


def done(job: Job) -> bool:
    """True once everything of it has ended."""
    return bool(job["status"] == "completed")
