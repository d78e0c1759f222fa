"""Callers of POST /jobs: each uploads files, watches them, reads along, and cancels or retries now and then."""

import asyncio
import itertools
import random
import time

from tests.chaos.api import Api
from tests.chaos.history import Fault, History, JobAccepted, JobCanceled, JobRetried, JobSeen
from tests.chaos.uploads import upload

CANCELS = 0.25  # share of jobs that their caller cancels
LOOK_EVERY = 0.25  # seconds between two looks at a job
MOST_LOOKS = 12  # looks at one job before the caller goes on to its next; the end is looked at when all is quiet
CANARIES = ("0", "0.1")  # share of hidden checks that an upload asks for
MAX_REFUSED = "0.9"  # a job is not to fail for the bad lines that we put in


class JobCaller:
    """One caller; `run` until `stop` is set. `pairs` is how many lines its uploads have, about."""

    def __init__(
        self, api: Api, *, tenant: str, name: str, pairs: tuple[int, int], history: History, chance: random.Random
    ) -> None:
        self._api = api
        self._tenant = tenant
        self._name = name
        self._pairs = pairs
        self._history = history
        self._chance = chance

    async def run(self, stop: asyncio.Event) -> None:
        """One job after the other; an upload that has begun is brought to its answer."""
        for number in itertools.count():
            if stop.is_set():
                return
            job = await self._upload(f"{self._name}-{number}")
            if job is not None:
                await self._follow(job, stop)

    async def run_once(self) -> None:
        """One job, neither canceled nor retried, seen until it has ended."""
        job = await self._upload(self._name)
        while job is not None and not await self._look(job):
            await asyncio.sleep(LOOK_EVERY)

    async def _upload(self, key: str) -> str | None:
        made, body = upload(tenant=self._tenant, key=key, pairs=self._chance.randint(*self._pairs), chance=self._chance)
        self._history.uploads[key] = made
        answer = await self._api.insist(
            "POST",
            "/jobs",
            params={"name": key, "max_refused": MAX_REFUSED, "canaries": self._chance.choice(CANARIES)},
            headers={"idempotency-key": key, "content-type": "application/x-ndjson"},
            body=body,
        )
        if answer.status != 202:
            self._history.records.append(Fault(answer.at, f"POST /jobs of {key}: {answer.status} {answer.code}"))
            return None
        job = answer.json()
        self._history.records.append(JobAccepted(at=answer.at, tenant=self._tenant, upload=key, id=job["id"]))
        self._history.records.append(JobSeen(at=answer.at, tenant=self._tenant, id=job["id"], job=job))
        return str(job["id"])

    async def _follow(self, job: str, stop: asyncio.Event) -> None:
        cancel_at = self._chance.randrange(MOST_LOOKS) if self._chance.random() < CANCELS else None
        for look in range(MOST_LOOKS):
            if stop.is_set():
                return
            await asyncio.sleep(self._chance.uniform(0.0, 2 * LOOK_EVERY))
            if look == cancel_at:
                await self._cancel(job)
            if await self._look(job):
                if self._chance.random() < 0.5:
                    await self._retry(job)
                return

    async def _look(self, job: str) -> bool:
        """Whether the job has ended."""
        answer = await self._api.insist("GET", f"/jobs/{job}")
        found = None if answer.status == 404 else answer.json()
        self._history.records.append(JobSeen(at=answer.at, tenant=self._tenant, id=job, job=found))
        return found is not None and found["ended_at"] is not None

    async def _cancel(self, job: str) -> None:
        answer = await self._api.insist("POST", f"/jobs/{job}/cancel")
        if answer.status == 200 and answer.json()["status"] == "canceled":
            self._history.records.append(JobCanceled(at=answer.at, tenant=self._tenant, id=job))

    async def _retry(self, job: str) -> None:
        """Its failed pairs wait again, if it has any."""
        answer = await self._api.insist(
            "POST",
            f"/jobs/{job}/retry",
            before=lambda: self._history.records.append(JobRetried(time.monotonic(), self._tenant, job)),
        )
        if answer.status == 200:
            self._history.records.append(JobSeen(answer.at, self._tenant, job, answer.json()))
