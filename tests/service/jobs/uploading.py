"""Uploads made up in memory, and what callers read of their jobs."""

import json
from typing import Any

import httpx2

LINES = {"content-type": "application/x-ndjson"}


def line(number: int, **changes: Any) -> dict[str, Any]:
    """A pair that no other number has."""
    pair = {"prompt": f"What is {number}?", "answer_a": "A number.", "answer_b": "Nothing.", "custom_id": f"c{number}"}
    return {name: value for name, value in {**pair, **changes}.items() if value is not None}


def file_of(*lines: dict[str, Any] | bytes) -> bytes:
    """JSON lines; what is bytes already stays as it is."""
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)


async def uploaded(client: httpx2.AsyncClient, content: bytes, **options: Any) -> str:
    """The id of the job that an upload became."""
    response = await client.post("/jobs", content=content, params=options, headers=LINES)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def job_of(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job now; its counts add up at any time."""
    job: dict[str, Any] = (await client.get(f"/jobs/{job_id}")).raise_for_status().json()
    counts = dict(job["counts"])
    assert counts.pop("submitted") == sum(counts.values())
    return job


async def ended(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job once it has ended, as its events tell."""
    events = (await client.get(f"/jobs/{job_id}/events")).raise_for_status().text
    assert "event: ended\n" in events
    return await job_of(client, job_id)


async def listed(
    client: httpx2.AsyncClient, address: str, *, limit: int = 1000, **options: Any
) -> list[dict[str, Any]]:
    """Every line of a list, read page by page until a page is empty."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        response = await client.get(address, params={"limit": limit, **options, **after})
        assert response.status_code == 200, response.text
        lines = response.text.splitlines()
        assert len(lines) <= limit
        if not lines:
            return found
        found += map(json.loads, lines)
        after = {"after": response.headers["selfref-cursor"]}
