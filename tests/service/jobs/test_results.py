"""Results and errors of a job: readable while it runs, page by page, in every format, from archive and Redis."""

import io
import json

import pyarrow.parquet
import pytest

from selfref.messages import Verdict
from tests.outcomes import failure_of, judgment_of
from tests.service.jobs.uploading import ended, file_of, job_of, line, listed, uploaded
from tests.service.judges import judge_next, judging
from tests.service.keeper.keeping import keeping

VERDICTS = (Verdict.A, Verdict.B, Verdict.TIE, Verdict.INCONSISTENT)


def number_of(work) -> int:
    return int(work.custom_id.removeprefix("c"))


def by_number(work):
    """Every fifth pair fails, the others get one verdict after the other."""
    number = number_of(work)
    return failure_of(work) if number % 5 == 4 else judgment_of(work, verdict=VERDICTS[number % 4])


async def test_results_can_be_read_while_the_job_runs(client, keeper):
    job_id = await uploaded(client, file_of(*map(line, range(10))))
    await judge_next(keeper, count=4)
    first = await listed(client, f"/jobs/{job_id}/results")
    job = await job_of(client, job_id)
    assert (len(first), job["status"], job["counts"]["waiting"]) == (4, "running", 6)
    await judge_next(keeper, count=6)
    assert (await listed(client, f"/jobs/{job_id}/results"))[:4] == first


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_pages_of_any_size_make_up_the_same_lists(client, keeper, limit):
    lines = [*map(line, range(10)), line(3, custom_id="again"), line(4, custom_id="fails too")]
    job_id = await uploaded(client, file_of(*lines))
    async with judging(keeper, by_number):
        job = await ended(client, job_id)
    results = await listed(client, f"/jobs/{job_id}/results", limit=limit)
    errors = await listed(client, f"/jobs/{job_id}/errors", limit=limit)
    assert sorted(each["line"] for each in results + errors) == list(range(1, 13))
    assert sorted(each["line"] for each in errors) == [5, 10, 12]
    assert {each["custom_id"] for each in errors} == {"c4", "c9", "fails too"}
    assert {each["code"] for each in errors} == {"engine_failed"}
    assert job["counts"] == {
        "submitted": 10,
        "decided": 4,
        "tie": 2,
        "inconsistent": 2,
        "failed": 2,
        "canceled": 0,
        "waiting": 0,
    }


@pytest.mark.parametrize("archive_after", [0.0, 600.0], ids=["archived", "in Redis"])
async def test_what_a_trainer_reads_of_a_job_is_what_the_feed_says(client, redis_url, folder, archive_after):
    async with keeping(redis_url, folder, archive_after=archive_after) as store:
        job_id = await uploaded(client, file_of(*map(line, range(20))))
        async with judging(store, by_number):
            await ended(client, job_id)
    labels = {each["id"]: each for each in await listed(client, "/labels", limit=7)}
    assert len(labels) == 16
    decided = {name for name, each in labels.items() if each["verdict"] in ("A", "B")}
    for format_ in ("trl", "openrlhf"):
        rows = await listed(client, f"/jobs/{job_id}/results", limit=7, format=format_)
        assert {row["id"] for row in rows} == decided
        assert all(row["chosen"][0]["content"] == labels[row["id"]]["chosen"] for row in rows)
        assert all(row["margin"] == labels[row["id"]]["margin"] for row in rows)
    parquet = (await client.get(f"/jobs/{job_id}/results", params={"format": "parquet"})).content
    table = pyarrow.parquet.read_table(io.BytesIO(parquet)).to_pylist()
    assert {(row["id"], row["verdict"]) for row in table} == {(key, each["verdict"]) for key, each in labels.items()}


async def test_a_retry_runs_the_failed_pairs_again_and_nothing_else(client, keeper):
    job_id = await uploaded(client, file_of(*map(line, range(10)), line(4, custom_id="twin"), b"{"), max_refused=1)
    judged = []

    def second_time(work):
        judged.append(work.custom_id)
        return judgment_of(work)

    async with judging(keeper, by_number):
        job = await ended(client, job_id)
    assert (job["status"], job["counts"]["failed"]) == ("completed", 2)
    again = (await client.post(f"/jobs/{job_id}/retry")).raise_for_status().json()
    assert (again["status"], again["counts"]["failed"], again["counts"]["waiting"]) == ("running", 0, 2)
    assert [each["line"] for each in await listed(client, f"/jobs/{job_id}/errors")] == [12]
    async with judging(keeper, second_time):
        job = await ended(client, job_id)
    assert sorted(judged) == ["c4", "c9"]
    assert (job["status"], job["counts"]["failed"], job["counts"]["decided"]) == ("completed", 0, 6)
    results = await listed(client, f"/jobs/{job_id}/results", limit=4)
    assert sorted(each["line"] for each in results) == list(range(1, 12))
    labels = await listed(client, "/labels")
    assert sorted(each["custom_id"] for each in labels) == sorted(f"c{number}" for number in range(10))
    refused = await client.post(f"/jobs/{job_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_retry")


async def test_a_pair_that_fails_again_is_an_error_once(client, keeper):
    job_id = await uploaded(client, file_of(*map(line, range(5))))
    for _ in range(3):
        async with judging(keeper, by_number):
            job = await ended(client, job_id)
        assert (job["counts"]["failed"], job["counts"]["decided"]) == (1, 2)
        assert [each["line"] for each in await listed(client, f"/jobs/{job_id}/errors")] == [5]
        (await client.post(f"/jobs/{job_id}/retry")).raise_for_status()


@pytest.mark.parametrize("cursor", ["x", "1-1", "1.1", "r-1", "r99999", "99999999999999999999999-1.0", "1-1.0.0"])
@pytest.mark.parametrize("list_", ["results", "errors"])
async def test_a_cursor_that_no_page_gave_is_refused(client, keeper, list_, cursor):
    job_id = await uploaded(client, file_of(line(1), b"{"), max_refused=1)
    async with judging(keeper):
        await ended(client, job_id)
    response = await client.get(f"/jobs/{job_id}/{list_}", params={"after": cursor})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_cursor"), response.text


async def test_results_say_where_they_go_on(client, keeper):
    job_id = await uploaded(client, file_of(*map(line, range(3))))
    async with judging(keeper):
        await ended(client, job_id)
    page = await client.get(f"/jobs/{job_id}/results", params={"limit": 2})
    onward = page.headers["link"].removeprefix("<").partition(">")[0]
    rest = (await client.get(onward)).text.splitlines()
    assert len(rest) == 1
    assert json.loads(rest[0])["line"] == 3
