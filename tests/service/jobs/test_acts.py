"""Cancel, delete, list and follow; and that no tenant meets another's job."""

import asyncio
import hashlib
import json

import httpx2
import pytest

from tests.outcomes import judgment_of
from tests.service.gateways import gateway_process
from tests.service.jobs.uploading import LINES, ended, file_of, job_of, line, listed, uploaded
from tests.service.judges import judge_next, judging


async def test_a_canceled_job_keeps_what_is_judged_and_ends_everything_else(client, keeper):
    job_id = await uploaded(client, file_of(*map(line, range(50))))
    await judge_next(keeper, count=7)
    canceled = (await client.post(f"/jobs/{job_id}/cancel")).raise_for_status().json()
    assert (canceled["status"], canceled["counts"]["decided"]) == ("canceled", 7)
    assert (canceled["counts"]["canceled"], canceled["counts"]["waiting"]) == (43, 0)
    judged = []
    other = await uploaded(client, file_of(line(100)))
    async with judging(keeper, lambda work: judged.append(work.custom_id) or judgment_of(work)):
        await ended(client, other)  # behind whatever is left of the canceled job
    assert judged == ["c100"]
    assert len(await listed(client, f"/jobs/{job_id}/results")) == 7
    again = await client.post(f"/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["counts"]) == (200, canceled["counts"])
    refused = await client.post(f"/jobs/{job_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_retry")


async def test_a_job_can_be_canceled_before_its_lines_are_read(client):
    job_id = await uploaded(client, file_of(line(1)))
    canceled = (await client.post(f"/jobs/{job_id}/cancel")).json()
    assert (canceled["status"], canceled["lines"], canceled["counts"]["submitted"]) == ("canceled", None, 0)
    assert await listed(client, f"/jobs/{job_id}/results") == await listed(client, f"/jobs/{job_id}/errors") == []


async def test_an_ended_job_can_be_deleted_and_its_labels_stay(client, keeper, folder):
    job_id = await uploaded(client, file_of(*map(line, range(3))))
    refused = await client.delete(f"/jobs/{job_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_ended")
    async with judging(keeper):
        await ended(client, job_id)
    assert (await client.delete(f"/jobs/{job_id}")).status_code == 204
    for address in ("", "/results", "/errors", "/events"):
        assert (await client.get(f"/jobs/{job_id}{address}")).json()["code"] == "unknown_job"
    assert (await client.delete(f"/jobs/{job_id}")).status_code == 404
    assert (await client.get("/jobs")).json()["jobs"] == []
    assert len(await listed(client, "/labels")) == 3
    async with asyncio.timeout(20):
        while (folder / "spool" / job_id).exists():
            await client.get("/livez")


async def test_the_key_of_a_deleted_job_is_used_up(client, keeper, folder):
    headers = {**LINES, "idempotency-key": "once"}
    job_id = (await client.post("/jobs", content=file_of(line(1)), headers=headers)).json()["id"]
    async with judging(keeper):
        await ended(client, job_id)
    assert (await client.delete(f"/jobs/{job_id}")).status_code == 204
    async with asyncio.timeout(20):
        while (folder / "spool" / job_id).exists():
            await client.get("/livez")
    again = await client.post("/jobs", content=file_of(line(1)), headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "job_deleted")
    assert not (folder / "spool" / job_id).exists()


async def test_jobs_are_listed_newest_first_and_page_by_page(client):
    ids = [await uploaded(client, file_of(line(number)), name=f"n{number}") for number in range(5)]
    found, after = [], {}
    while True:
        page = (await client.get("/jobs", params={"limit": 2, **after})).raise_for_status().json()
        found += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == ids[::-1]
    refused = await client.get("/jobs", params={"after": "x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor")


async def events(response: httpx2.Response):
    """(event, id, job) of each event as it comes."""
    fields: dict[str, str] = {}
    async for text in response.aiter_lines():
        if text:
            name, _, value = text.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields["id"], json.loads(fields["data"])
            fields = {}


async def test_progress_is_told_as_it_comes_and_can_be_resumed(client, keeper):
    job_id = await uploaded(client, file_of(*map(line, range(3))))
    async with client.stream("GET", f"/jobs/{job_id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events(response)
        _, _, job = await anext(stream)
        while job["counts"]["submitted"] == 0:
            _, seen, job = await anext(stream)
        await judge_next(keeper, count=1)
        name, seen, job = await anext(stream)
        assert (name, job["counts"]["decided"]) == ("progress", 1)
    async with client.stream("GET", f"/jobs/{job_id}/events", headers={"last-event-id": seen}) as response:
        await judge_next(keeper, count=1)
        stream = events(response)
        name, _, job = await anext(stream)
        assert (name, job["counts"]["decided"]) == ("progress", 2), "what was told before is not told again"
        await judge_next(keeper, count=1)
        names = [name async for name, _, _ in stream]
        assert names[-1] == "ended"
        assert names.count("ended") == 1


async def test_a_tenant_sees_only_its_own_jobs(redis_url, keeper, folder):
    keys = ",".join(f"{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in ("ann", "bob"))
    with gateway_process(redis_url, folder, api_keys=keys) as gateway:
        ann, bob = (
            httpx2.AsyncClient(base_url=gateway.url, headers={"authorization": f"Bearer {name}"})
            for name in ("ann", "bob")
        )
        async with ann, bob, judging(keeper):
            job_id = await uploaded(ann, file_of(line(1)))
            await ended(ann, job_id)
            for method, address in (
                *(("GET", address) for address in ("", "/results", "/errors", "/events")),
                *(("POST", address) for address in ("/cancel", "/retry")),
                ("DELETE", ""),
            ):
                answer = await bob.request(method, f"/jobs/{job_id}{address}")
                assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
            assert (await bob.get("/jobs")).json()["jobs"] == []
            same_key = {**LINES, "idempotency-key": "k"}
            ids = {
                (await each.post("/jobs", content=file_of(line(1)), headers=same_key)).json()["id"]
                for each in (ann, bob)
            }
            assert len(ids) == 2
            assert (await ann.get("/jobs/job-x")).status_code == 404


@pytest.mark.parametrize("address", ["/jobs", "/jobs/job-0f8fad5bd9cb469fa1657086/results"])
async def test_jobs_need_a_key_where_there_are_keys(redis_url, folder, address):
    keys = f"ann:{hashlib.sha256(b'ann').hexdigest()}"
    with gateway_process(redis_url, folder, api_keys=keys) as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url) as stranger:
            assert (await stranger.get(address)).status_code == 401


async def test_a_job_whose_upload_is_elsewhere_says_what_to_mend(client, keeper, folder):
    job_id = await uploaded(client, file_of(line(1)))
    async with judging(keeper):
        await ended(client, job_id)
    (folder / "spool" / job_id).rename(folder / "elsewhere")
    answer = await client.get(f"/jobs/{job_id}/results")
    assert (answer.status_code, answer.json()["code"]) == (503, "upload_missing")
    assert (await job_of(client, job_id))["counts"]["decided"] == 1
