"""Files of pairs that nobody on this project wrote, as jobs on the real engine: every line ends once, and says why."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from selfref.stack.datadir import Running
from tests.service.jobs.uploading import ended, file_of, listed, uploaded
from tests.stacks import UpProcess
from tests.tiny_model.model import write_tiny_model

DATA = Path(__file__).parents[3] / "shared" / "data"
BRIEF = {"SELFREF_WORKER_REFERENCE_TOKENS": "4", "SELFREF_WORKER_CRITIQUE_TOKENS": "4"}  # nobody reads them here
FIELDS = ("prompt", "answer_a", "answer_b")


@pytest.fixture(scope="module")
def quick_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Everything real but the judge, whose opinion is not asked here."""
    folder = tmp_path_factory.mktemp("stack")
    write_tiny_model(folder / "model")
    with UpProcess(folder / "data", "--port", "0", "--model", str(folder / "model"), environment=BRIEF) as up:
        yield up.ready()


def rows(name: str, *, most: int) -> list[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout ({DATA})")
    found = map(json.loads, path.read_text(encoding="utf-8").splitlines()[:most])
    return [{field: row[field] for field in FIELDS} | {"custom_id": row["id"]} for row in found]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("pandalm.jsonl", 100),
        ("load_arenahard500_unlabelled.jsonl", 20),
        pytest.param("pandalm.jsonl", 999, marks=pytest.mark.long),
        pytest.param("load_arenahard500_unlabelled.jsonl", 500, marks=pytest.mark.long),
    ],
)
async def test_every_line_of_a_real_file_ends_once(quick_stack: Running, name: str, lines: int) -> None:
    asked = rows(name, most=lines)
    assert len(asked) == lines
    async with httpx2.AsyncClient(base_url=quick_stack.service_url, timeout=590) as client:
        job_id = await uploaded(client, file_of(*asked), markers="escape", preset="direct")
        job = await ended(client, job_id)
        results = await listed(client, f"/jobs/{job_id}/results")
        errors = await listed(client, f"/jobs/{job_id}/errors")
        labels = [each for each in await listed(client, "/labels") if each["job_id"] == job_id]
    assert sorted(each["custom_id"] for each in results + errors) == sorted(each["custom_id"] for each in asked)
    assert sorted(each["line"] for each in results + errors) == list(range(1, lines + 1))
    assert {each["code"] for each in errors} <= {"too_long", "markers_in_model_text"}
    for error in errors:
        if error["code"] == "too_long":
            assert sum(word.strip(".,;()").isdigit() for word in error["message"].split()) >= 2, error["message"]
    counts = job["counts"]
    assert len(labels) == counts["decided"] + counts["tie"] + counts["inconsistent"] == len({r["id"] for r in results})
    assert job["lines"]["total"] == lines
