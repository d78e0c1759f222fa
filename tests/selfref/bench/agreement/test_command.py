"""`selfref bench agreement` over the real service; its engine is a stub whose judge is known."""

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from littleworld.world.families import FAMILIES
from selfref.bench.agreement.scoring import FIGURES
from selfref.bench.cli import app
from selfref.bench.stack import Faults, standing
from tests.selfref.bench.agreement.labelled import write_labelled
from tests.selfref.bench.agreement.shared_data import shared
from tests.stacks import until
from tests.stub_engine import StubEngine

ARMS = ("direct", "self-reference", "reference", "wrong-reference", "paper")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path so short that a stack's socket fits into it."""
    with tempfile.TemporaryDirectory(prefix="selfref-") as name:
        yield Path(name)


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
    ("judge", "expected"),
    [
        (
            "honest",
            {"accuracy_mean": 1, "accuracy_both": 1, "accuracy_net": 1, "consistency": 1, "first_slot_rate": 0.5},
        ),
        (
            "first",
            {"accuracy_mean": 0.5, "accuracy_both": 0, "consistency": 0, "first_slot_rate": 1, "inconsistent": 1},
        ),
        ("random", {"accuracy_mean": 0.5, "accuracy_both": 0.25, "consistency": 0.5, "first_slot_rate": 0.5}),
    ],
)
def test_a_labelled_file_tells_a_judge_that_knows_from_one_that_does_not(folder, judge, expected):
    pairs, out = write_labelled(folder / "mine.jsonl", rows=100), folder / "out"
    with StubEngine("--judge", judge) as engine:
        run = agreement(
            *(str(pairs), "--engine-url", engine.url, "--arms", "direct", "--resamples", "200", "--out", str(out))
        )
        assert run.exit_code == 0, run.output
        paid = engine.generated
        again = agreement(
            *(str(pairs), "--engine-url", engine.url, "--arms", "direct", "--resamples", "200", "--out", str(out))
        )
        assert again.stdout == run.stdout
        assert engine.generated - paid < 10, "a worker's self-test, and no pair"
    found = json.loads((out / "mine.json").read_text())
    arm = found["arms"]["direct"]
    for figure, value in expected.items():
        assert arm[figure] == pytest.approx(value, abs=0.15 if judge == "random" else 1e-9), figure
    assert arm["spent"]["calls"] == 400
    assert set(arm["meta.kind"]) == {"easy", "hard"}
    assert found["baselines"]["first_wins"]["accuracy_net"] == 0.5
    assert found["baselines"]["longer_wins"]["accuracy_net"] == 0
    assert found["settings"]["file"] == "mine.jsonl"
    text = (out / "mine.md").read_text()
    for picture in ("mine.figures.png", "mine.reliability.png"):
        assert f"]({picture})" in text
        assert (out / picture).stat().st_size > 10_000


def test_arms_with_votes_are_compared_in_accuracy_and_in_calls(folder):
    pairs, file = write_labelled(folder / "mine.jsonl", rows=12), folder / "report.json"
    with StubEngine("--judge", "first") as engine:
        run = agreement(
            *(str(pairs), "--engine-url", engine.url, "--arms", "direct@4,direct@auto", "--baseline", "direct@4"),
            *("--resamples", "200", "--out", str(folder / "out"), "--json", str(file)),
        )
    assert run.exit_code == 0, run.output
    found = json.loads(file.read_text())
    assert found["differences"]["direct@auto"]["inconsistent"]["difference"] == 0
    assert found["calls"]["direct@4"]["per_pair"] == 16
    assert found["calls"]["direct@auto"]["of_baseline"] == 0.75, "three insistent critiques in each order, not four"
    assert "minus direct@4" in run.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--arms", "direct@many"), "behind the @"),
        (("--arms", "paper@4"), "with votes, known are"),
        (("--arms", "direct,direct@auto", "--baseline", "direct@4"), "is not among --arms"),
    ],
)
def test_arms_that_cannot_be_compared_are_refused_before_anything_is_asked(options, said):
    run = agreement("--url", "http://127.0.0.1:9", "--pairs", "1", *options)
    assert run.exit_code == 2
    assert said in " ".join(run.output.split())


async def test_a_run_that_was_killed_goes_on_and_pays_for_nothing_twice(tmp_path):
    """Killed with answers on disk, and pairs that the service judged after their caller was gone."""
    rows, out = 60, tmp_path / "out"
    pairs = write_labelled(tmp_path / "mine.jsonl", rows=rows)
    with tempfile.TemporaryDirectory(prefix="selfref-test-") as folder:
        stack = standing(Path(folder), workers=1, concurrency=8, latency_ms=20, faults=Faults(), seed=0)
        async with stack as running, httpx2.AsyncClient(base_url=running.engine_url) as engine:
            before = (await engine.get("/stats")).json()["calls"].get("/generate", 0)
            options = [str(pairs), "--url", running.service_url, "--arms", "direct", "--concurrency", "8"]
            command = [sys.executable, "-m", "selfref.cli", "bench", "agreement", *options, "--out", str(out)]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = await asyncio.create_subprocess_exec(*command, **quiet)
            results = out / "mine.results.jsonl"
            await asyncio.to_thread(until, lambda: results.exists() and _lines(results) > 12, what="12 are judged")
            process.kill()
            assert await process.wait() == -signal.SIGKILL
            known = _lines(results) - 1
            assert 12 <= known < rows
            assert not (out / "mine.json").exists()
            run = await asyncio.to_thread(agreement, *options, "--resamples", "200", "--out", str(out))
            assert run.exit_code == 0, run.output
            after = (await engine.get("/stats")).json()["calls"]["/generate"]
    found = json.loads((out / "mine.json").read_text())["arms"]["direct"]
    assert (found["asked"], found["failed"], found["accuracy_both"]) == (rows, {}, 1)
    assert _lines(results) == 1 + rows
    assert len({json.loads(line)["id"] for line in results.read_text().splitlines()[1:]}) == rows
    assert after - before == found["spent"]["calls"] == 4 * rows, "two critiques and two verdicts a pair, once"


@pytest.mark.long  # the key of a pair that was waited for is held until its dead gateway's reservation has run out
def test_a_run_killed_with_its_own_stack_goes_on_from_what_that_had_accepted(folder):
    rows, at_once, out = 60, 8, folder / "out"
    pairs = write_labelled(folder / "mine.jsonl", rows=rows)
    with StubEngine("--latency-ms", "50") as engine:
        options = [str(pairs), "--engine-url", engine.url, "--arms", "direct", "--concurrency", str(at_once)]
        command = [sys.executable, "-m", "selfref.cli", "bench", "agreement", *options, "--out", str(out)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            results = out / "mine.results.jsonl"
            until(lambda: results.exists() and _lines(results) > 12, what="12 are judged")
            process.kill()
        run = agreement(*options, "--resamples", "200", "--out", str(out))
        assert run.exit_code == 0, run.output
        paid = engine.generated
    found = json.loads((out / "mine.json").read_text())["arms"]["direct"]
    assert (found["asked"], found["failed"], found["accuracy_both"]) == (rows, {}, 1)
    assert 4 * rows <= paid <= 4 * rows + 4 * at_once + 20, "what was cut off is made again, and two self-tests"


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_failed_judgments_are_failed_and_never_a_tie(folder, monkeypatch):
    monkeypatch.chdir(folder)
    pairs, others = write_labelled(folder / "mine.jsonl", rows=30), write_labelled(folder / "other.jsonl", rows=3)
    with StubEngine("--garbage", "0.2", "--seed", "5") as engine:
        run = agreement(
            *(str(pairs), str(others), "--engine-url", engine.url, "--arms", "direct", "--resamples", "200")
        )
    assert run.exit_code == 0, run.output
    assert json.loads((folder / "agreement" / "other.json").read_text())["arms"]["direct"]["asked"] == 3
    arm = json.loads((folder / "agreement" / "mine.json").read_text())["arms"]["direct"]
    failed = arm["failed"]["unreadable_verdict"]
    assert 0 < failed < 30
    assert (arm["tied"], arm["unjudged"]) == (0, failed / 30)
    for figure in ("accuracy_mean", "accuracy_both", "accuracy_net", "accuracy_exact"):
        assert arm[figure] == pytest.approx(1 - failed / 30)
    assert (arm["accuracy_decided"], arm["consistency"]) == (1, 1)


def test_recorded_judges_are_counted_without_a_service(tmp_path):
    recorded, pairs = shared("llmbar_judge_outputs.jsonl.gz"), shared("llmbar.jsonl")
    run = agreement(
        *(str(pairs), "--recorded", str(recorded), "--arms", "LLaMA2/Vanilla_NoRules", "--resamples", "200"),
        *("--json", str(tmp_path / "report.json")),
    )
    assert run.exit_code == 0, run.output
    shown = {line.split()[0]: line.split()[1] for line in run.stdout.splitlines() if len(line.split()) > 1}
    assert shown["accuracy_mean"] == "39.5"
    found = json.loads((tmp_path / "report.json").read_text())
    assert list(found["arms"]) == ["LLaMA2/Vanilla_NoRules"]
    assert [each["judge"] for each in found["published"]] == ["Llama-2-70B-chat", "GPT-4", "people"]


def test_a_bad_line_is_named_and_nothing_is_asked(tmp_path):
    pairs = write_labelled(tmp_path / "mine.jsonl", rows=3)
    pairs.write_text(pairs.read_text() + '{"id": "4"}\n')
    run = agreement(str(pairs), "--url", "http://127.0.0.1:9", "--out", str(tmp_path / "out"))
    assert run.exit_code == 2
    assert "line 4: prompt: Field required" in run.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--world", "train"), "FILES and --world"),
        (("--pairs", "3"), "FILES and --pairs"),
        (("--arms", "reference"), "'reference'"),
        (("--url", "http://127.0.0.1:9", "--recorded", "FILE"), "--url and --recorded"),
        (("--recorded", "FILE"), "repo_parsed_winner"),
        (("--calibration", "FILE"), "holds no calibrations"),
        (("--calibration", "FILE", "--recorded", "FILE"), "--calibration and --recorded"),
        (("FILE", "--json", "r.json"), "same name"),
        (("FILE", "FILE", "--recorded", "FILE"), "that one file"),
    ],
)
def test_what_cannot_be_asked_of_a_file_is_said_before_anything_starts(tmp_path, options, told):
    pairs = write_labelled(tmp_path / "mine.jsonl", rows=3)
    run = agreement(str(pairs), *(str(pairs) if each == "FILE" else each for each in options))
    assert run.exit_code == 2, run.output
    assert told in run.output


def test_one_report_is_not_written_for_two_files(tmp_path):
    pairs = [write_labelled(tmp_path / name, rows=3) for name in ("mine.jsonl", "yours.jsonl")]
    run = agreement(*map(str, pairs), "--json", str(tmp_path / "report.json"), "--out", str(tmp_path))
    assert run.exit_code == 2
    assert "--json takes one report" in run.output


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
