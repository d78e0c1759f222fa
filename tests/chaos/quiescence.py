"""When the faults are over: wait until everything accepted has ended, then read all that is stored."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from selfref.store import Store
from tests.chaos.api import Answer, Api
from tests.chaos.history import (
    ErrorRow,
    Final,
    History,
    JobAccepted,
    JobEnd,
    JobSeen,
    LabelRow,
    PairAccepted,
    PairEnd,
    ResultRow,
    digest,
)

DEADLINE = 60.0  # seconds from the end of the last fault; delays between attempts grow to 4 s, leases to 1.5
LOOK_AGAIN = 0.1
PAGE = 40  # small, so that reading takes many cursors

T = TypeVar("T")


class Quiescence:
    """Reads one schedule's end; `apis` by tenant."""

    def __init__(self, apis: dict[str, Api], *, history: History, redis_url: str) -> None:
        self._apis = apis
        self._history = history
        self._redis_url = redis_url
        self._deadline = time.monotonic() + DEADLINE
        self._unfinished: list[str] = []

    async def read(self) -> Final:
        """Everything, once it has ended or the deadline has passed."""
        pairs = await self._pairs()
        jobs = await self._jobs()
        feeds = {tenant: await self._feed(api) for tenant, api in self._apis.items()}
        return Final(
            pairs=pairs, jobs=jobs, feeds=feeds, counts=await self._counts(), unfinished=tuple(self._unfinished)
        )

    async def _pairs(self) -> dict[tuple[str, str], PairEnd]:
        accepted = {(each.tenant, each.id): each.key for each in of_kind(self._history, PairAccepted)}
        ends: dict[tuple[str, str], PairEnd] = {}
        for (tenant, pair), key in accepted.items():
            ends[tenant, pair] = await self._pair(tenant, pair, key=key)
        return ends

    async def _pair(self, tenant: str, pair: str, *, key: str) -> PairEnd:
        api, repeated = self._apis[tenant], None
        while True:
            answer = await api.insist("GET", f"/judgments/{pair}")
            if answer.status == 404:
                if repeated is not None:
                    return PairEnd(state=None, repeated=repeated)
                repeated = await self._repeat(api, tenant, key)
                continue
            state = answer.json()
            if state["status"] != "waiting":
                verdict = state.get("verdict")
                return PairEnd(state=state["status"], digest=digest(state), repeated=repeated, verdict=verdict)
            if await self._late(f"pair {pair} of {tenant} (key {key}) still waits"):
                return PairEnd(state="waiting", repeated=repeated)

    async def _repeat(self, api: Api, tenant: str, key: str) -> int:
        headers = {"idempotency-key": key, "content-type": "application/json", "prefer": "wait=0"}
        answer = await api.insist("POST", "/judge", headers=headers, body=self._history.bodies[tenant, key])
        return answer.status

    async def _jobs(self) -> dict[str, JobEnd | None]:
        return {each.id: await self._job(each) for each in of_kind(self._history, JobAccepted)}

    async def _job(self, accepted: JobAccepted) -> JobEnd | None:
        api, tenant = self._apis[accepted.tenant], accepted.tenant
        while True:
            answer = await api.insist("GET", f"/jobs/{accepted.id}")
            job = None if answer.status == 404 else answer.json()
            self._history.records.append(JobSeen(at=answer.at, tenant=tenant, id=accepted.id, job=job))
            if job is None:
                return None
            if job["ended_at"] is not None:
                break
            if await self._late(f"job {accepted.id} of {tenant} is still {job['status']}: {job['counts']}"):
                break
        results = [
            ResultRow(line=row["line"], id=row["id"], digest=digest(row), verdict=row["verdict"])
            async for row in pages(api, f"/jobs/{accepted.id}/results")
        ]
        errors = [
            ErrorRow(line=row["line"], code=row["code"]) async for row in pages(api, f"/jobs/{accepted.id}/errors")
        ]
        return JobEnd(tenant=tenant, upload=accepted.upload, job=job, results=tuple(results), errors=tuple(errors))

    async def _feed(self, api: Api) -> tuple[LabelRow, ...]:
        return tuple([label_row(label) async for label in pages(api, "/labels")])

    async def _counts(self) -> dict[str, dict[str, int]]:
        store = await Store.open(self._redis_url)
        try:
            found = {tenant: await store.judgments.counts(tenant) for tenant in self._apis}
        finally:
            await store.aclose()
        names = ("submitted", "decided", "tie", "inconsistent", "failed", "canceled")
        return {tenant: {name: getattr(each, name) for name in names} for tenant, each in found.items()}

    async def _late(self, what: str) -> bool:
        """Whether it is time to give up; waits a little otherwise."""
        if time.monotonic() > self._deadline:
            self._unfinished.append(what)
            return True
        await asyncio.sleep(LOOK_AGAIN)
        return False


def label_row(label: dict[str, Any]) -> LabelRow:
    """A label as the checker compares it."""
    message = {name: value for name, value in label.items() if name != "at"}
    return LabelRow(
        id=label["id"],
        digest=digest(message),
        verdict=label["verdict"],
        job_id=label["job_id"],
        custom_id=label["custom_id"],
    )


async def pages(api: Api, path: str) -> AsyncIterator[dict[str, Any]]:
    """Every row of a list that is read by cursor, from its start."""
    cursor = None
    while True:
        answer: Answer = await api.insist("GET", path, params={"limit": PAGE} | ({"after": cursor} if cursor else {}))
        assert answer.status == 200, f"{path}: {answer.status} {answer.body[:300]!r}"
        rows = answer.lines()
        if not rows:
            return
        for row in rows:
            yield row
        cursor = answer.headers["selfref-cursor"]


def of_kind(history: History, kind: type[T]) -> list[T]:
    """The records of one kind, in order."""
    return [record for record in history.records if isinstance(record, kind)]
