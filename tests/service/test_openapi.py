"""The published description is true: its examples, and what schemathesis makes of it against a running gateway."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from selfref.markers import find_marker
from selfref.messages import (
    BiasCounts,
    BiasRates,
    Job,
    JobLine,
    JobResult,
    JudgeRequest,
    Judgment,
    Label,
    LineError,
    Stats,
    Waiting,
)
from service.examples import (
    COMPARISONS,
    ERROR_LINE,
    JOB,
    JUDGMENT,
    LABEL,
    PROBLEM,
    RESULT_LINE,
    STATS_ANSWER,
    UPLOAD_LINES,
    WAITING,
)
from service.problems import Problem
from tests.service.gateways import gateway_process
from tests.service.judges import judging

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
LINES = {"Label", "JobLine", "JobResult"}  # of JSON lines, for which OpenAPI has no schema to refer with


def test_the_examples_are_what_is_really_served():
    assert Judgment.model_validate(JUDGMENT).model_dump(mode="json") == JUDGMENT
    assert Waiting.model_validate(WAITING).model_dump(mode="json") == WAITING
    assert Label.model_validate_json(LABEL).model_dump_json() == LABEL
    assert Job.model_validate(JOB).model_dump(mode="json") == JOB
    assert LineError.model_validate_json(ERROR_LINE).model_dump_json() == ERROR_LINE
    assert set(orjson.loads(RESULT_LINE)) == set(JobResult.model_fields)
    JobResult.model_validate_json(RESULT_LINE)
    assert Stats.model_validate(STATS_ANSWER).model_dump(mode="json") == STATS_ANSWER
    for part in (STATS_ANSWER, *STATS_ANSWER["groups"]):
        assert BiasRates.of(BiasCounts.model_validate(part["counts"])).model_dump() == part["rates"]
    assert set(PROBLEM) <= set(Problem.model_fields)
    Problem.model_validate(PROBLEM)


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_examples_can_be_sent_as_they_are(name):
    asked = JudgeRequest.model_validate(COMPARISONS[name]["value"])
    assert find_marker(asked.model_dump_json()) is None


def test_the_example_of_an_upload_holds_pairs():
    assert [JobLine.model_validate_json(line).custom_id for line in UPLOAD_LINES.splitlines()] == ["pair-1", "pair-2"]


async def test_every_reference_in_the_document_leads_somewhere(client):
    document = (await client.get("/openapi.json")).json()

    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            node = list(node.values())
        for child in node if isinstance(node, list) else ():
            yield from references(child)

    schemas = document["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(document)} == set(schemas) - LINES


@pytest.mark.timeout(240)
@pytest.mark.parametrize("examples", [10, pytest.param(20, marks=pytest.mark.long)])  # of each operation
async def test_schemathesis_finds_no_failure(redis_url, store, tmp_path, examples):
    keys = f"lab:{hashlib.sha256(b'lab-key').hexdigest()}"
    with gateway_process(redis_url, api_keys=keys, max_wait=2) as gateway:
        async with judging(store):
            run = await asyncio.create_subprocess_exec(
                shutil.which("schemathesis", path=Path(sys.executable).parent) or "schemathesis",
                *("--config-file", CONFIG, "run", f"{gateway.url}/openapi.json"),
                *("--header", "Authorization: Bearer lab-key", "--max-examples", str(examples)),
                *("--seed", "1", "--no-color", "--warnings", "off"),
                cwd=tmp_path,
                env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            output, _ = await run.communicate()
        gateway.terminate()
    assert run.returncode == 0, output.decode()
    assert "Traceback" not in "".join(gateway.log)
