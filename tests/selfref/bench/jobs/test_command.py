"""The whole of it, small: every part on real stacks, every figure there. How fast it was is nobody's business here."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from selfref.bench.cli import app
from selfref.bench.jobs.plan import Part
from selfref.bench.jobs.report import MEASUREMENTS

SMALL = ("--sizes", "300", "--ended", "40", "--pairs", "130", "--lease", "1", "--runs", "1")
TENANTS = ("--big", "400", "--small", "10", "--concurrency", "8", "--latency-ms", "10")
NOT_OF_ALL = {"lease", "held", "first_seconds", "redis_seconds", "leases"}  # figures that some cases have not


@cache
def measured(part: Part) -> list[dict[str, Any]]:
    """The cases of one part, measured once."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        run = CliRunner().invoke(app, ["jobs", "--only", part.value, *SMALL, *TENANTS, "--json", str(file)])
        assert run.exit_code == 0, run.output
        found: list[dict[str, Any]] = json.loads(file.read_text())["parts"][part.value]["cases"]
        return found


@pytest.mark.parametrize("part", list(Part))
def test_every_figure_of_every_case_is_measured(part):
    keys = {key for key, _, _ in MEASUREMENTS[part].figures}
    for case in measured(part):
        assert case["median"].keys() == keys
        missing = {key for key, value in case["median"].items() if value is None}
        assert missing <= NOT_OF_ALL, case["case"]


def test_as_many_pairs_end_as_were_asked_for():
    judged, ended = (case["median"] for case in measured(Part.MEMORY))
    assert 40 <= judged["ended"] <= 300
    assert ended["ended"] == 300  # ten times as many were asked for, and there are no more


def test_a_standstill_is_timed_from_the_kill_and_told_in_leases():
    worker, keeper, redis = (case["median"] for case in measured(Part.RECOVERY))
    assert worker["held"] >= 1
    assert 0 < worker["first_seconds"] <= worker["seconds"]
    assert worker["leases"] == worker["seconds"] / worker["lease"]
    assert keeper["leases"] == keeper["seconds"] / keeper["lease"]
    assert 0 < redis["redis_seconds"] < redis["seconds"]


def test_the_small_job_is_timed_alone_and_beside_the_large_one():
    (case,) = measured(Part.FAIRNESS)
    figures = case["median"]
    assert figures["ratio"] == figures["beside_seconds"] / figures["alone_seconds"] > 0
    assert figures["first_pairs_per_second"] > 0


def test_sizes_that_are_no_numbers_are_refused():
    for sizes in ("many", "0"):
        run = CliRunner().invoke(app, ["jobs", "--sizes", sizes])
        assert run.exit_code == 2
