"""The whole of it, small: every part on real stacks, every figure there. How fast it was is nobody's business here."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from selfref.bench.cli import app
from selfref.bench.jobs.plan import Part
from selfref.bench.jobs.report import MEASUREMENTS

SMALL = ("--sizes", "300", "--ended", "40", "--pairs", "130", "--lease", "1", "--runs", "1")
TENANTS = ("--big", "400", "--small", "10", "--concurrency", "8", "--latency-ms", "2")
NOT_OF_ALL = {"lease", "held", "first_seconds", "redis_seconds", "leases"}  # figures that some cases have not


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, object]]]:
    file: Path = tmp_path_factory.mktemp("bench") / "report.json"
    run = CliRunner().invoke(app, ["jobs", *SMALL, *TENANTS, "--json", str(file)])
    assert run.exit_code == 0, run.output
    return {name: part["cases"] for name, part in json.loads(file.read_text())["parts"].items()}


@pytest.mark.parametrize("part", list(Part))
def test_every_figure_of_every_case_is_measured(found, part):
    keys = {key for key, _, _ in MEASUREMENTS[part].figures}
    for case in found[part.value]:
        assert case["median"].keys() == keys
        missing = {key for key, value in case["median"].items() if value is None}
        assert missing <= NOT_OF_ALL, case["case"]


def test_as_many_pairs_end_as_were_asked_for(found):
    judged, ended = (case["median"] for case in found["memory"])
    assert 40 <= judged["ended"] <= 300
    assert ended["ended"] == 300  # ten times as many were asked for, and there are no more


def test_the_killed_worker_held_pairs_and_nobody_took_them_before_its_lease_was_over(found):
    worker, keeper, redis = (case["median"] for case in found["recovery"])
    assert worker["held"] >= 1
    assert 0 < worker["first_seconds"] <= worker["seconds"]
    assert worker["leases"] == worker["seconds"] / worker["lease"] > 0.5
    assert keeper["leases"] > 0.5
    assert 0 < redis["redis_seconds"] < redis["seconds"]


def test_the_small_job_is_timed_alone_and_beside_the_large_one(found):
    (case,) = found["fairness"]
    figures = case["median"]
    assert figures["ratio"] == figures["beside_seconds"] / figures["alone_seconds"] > 0
    assert figures["first_pairs_per_second"] > 0


def test_sizes_that_are_no_numbers_are_refused():
    for sizes in ("many", "0"):
        run = CliRunner().invoke(app, ["jobs", "--sizes", sizes])
        assert run.exit_code == 2
