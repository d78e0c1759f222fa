"""`selfref bench agreement` over the real service; its engine is a stub that finds all answers of this world equal."""

import asyncio
import json
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from littleworld.world.families import FAMILIES
from selfref.bench.agreement.scoring import FIGURES
from selfref.bench.cli import app
from selfref.bench.stack import Faults, standing
from tests.stub_engine import StubEngine

ARMS = ("direct", "self-reference", "reference", "wrong-reference", "paper")


def agreement(*options: str):
    return CliRunner().invoke(app, ["agreement", *options], env={"COLUMNS": "200"})


def test_the_whole_on_a_stack_of_its_own(tmp_path):
    file, picture = tmp_path / "report.json", tmp_path / "report.png"
    with StubEngine("--garbage", "0.1", "--seed", "3") as engine:
        run = agreement(
            *("--engine-url", engine.url, "--pairs", "30", "--arms", ",".join(ARMS), "--resamples", "200"),
            *("--json", str(file), "--plot", str(picture)),
        )
    assert run.exit_code == 0, run.output
    found = json.loads(file.read_text())
    assert tuple(found["arms"]) == ARMS
    assert found["settings"]["pairs"] == 30
    assert set(found["differences"]) == set(ARMS) - {"direct"}
    for arm in found["arms"].values():
        assert set(FIGURES) <= arm.keys()
        assert len(arm["families"]) == len(FAMILIES)
        failed = sum(arm["failed"].values())
        assert (arm["asked"], arm["verdicts"]) == (30, {"tie": 30 - failed})
        assert arm["accuracy_net"] == arm["accuracy_mean"] == pytest.approx((30 - failed) / 60)
        assert (arm["consistency"], arm["first_slot_rate"], arm["decided"]) == (1, 0.5, 0)
        assert (arm["brier"], arm["ece"], arm["accuracy_both"]) == (0.25, 0, 0)
        (provenance,) = arm["provenance"]
        assert provenance["model"] == "stub/honest-judge"
    assert any(arm["failed"] for arm in found["arms"].values())
    assert "unreadable" in run.stdout  # in full only where the terminal is wide
    assert "judge: stub/honest-judge" in run.stdout
    assert picture.stat().st_size > 10_000


async def test_a_running_service_is_asked_where_one_is_named():
    with tempfile.TemporaryDirectory(prefix="selfref-test-") as folder:
        stack = standing(Path(folder), workers=1, concurrency=16, latency_ms=0, faults=Faults(), seed=0)
        async with stack as running:
            run = await asyncio.to_thread(
                agreement, "--url", running.service_url, "--pairs", "4", "--arms", "direct", "--world", "train"
            )
    assert run.exit_code == 0, run.output
    assert "4 pairs of world train" in run.stdout
    assert "minus direct" not in run.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--arms", "direct,gold"), "'gold'"),
        (("--arms", ""), "''"),
        (("--url", "http://127.0.0.1:9", "--engine-url", "http://127.0.0.1:9"), "--url and --engine-url"),
        (("--json", "/nowhere/at/all.json"), "/nowhere/at"),
        (("--world", "mars"), "mars"),
        (("--url", "here"), "no address"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_starts(options, told):
    run = agreement("--pairs", "2", *options)
    assert run.exit_code == 2
    assert told in run.output


def test_a_service_that_does_not_answer_is_named():
    run = agreement("--pairs", "2", "--url", "http://127.0.0.1:9")
    assert run.exit_code == 5
    assert "127.0.0.1:9" in run.output
