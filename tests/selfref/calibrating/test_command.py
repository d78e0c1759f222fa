"""`selfref calibrate` over the real service; its engine is a stub whose odds and mistakes are known."""

import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from selfref.bench.cli import app as bench
from selfref.bench.stub_answers import CLEAR
from selfref.deciding import load_calibrations
from tests.selfref.bench.agreement.labelled import write_labelled
from tests.selfref.cli.running import selfref
from tests.stub_engine import StubEngine

ROWS = 120
ODDS = CLEAR[0] - CLEAR[1]  # nats, of every judgment of the stub's honest judge


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path so short that a stack's socket fits into it."""
    with tempfile.TemporaryDirectory(prefix="selfref-") as name:
        yield Path(name)


def write_mistaken(path: Path) -> Path:
    """Labelled pairs, one label of ten turned over, as often A as B: an honest judge is right in 90 of 100."""
    write_labelled(path, rows=ROWS)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in (*rows[::20], *rows[11::20]):
        row["human_label"] = {"A": "B", "B": "A"}[row["human_label"]]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_the_temperature_of_a_judge_that_is_right_nine_times_of_ten(folder):
    pairs, out = write_mistaken(folder / "mine.jsonl"), folder / "out"
    file = out / "mine.calibration.json"
    with StubEngine() as engine:
        options = (str(pairs), "--engine-url", engine.url, "--preset", "direct", "--out", str(out))
        run = selfref("calibrate", *options)
        assert run.exit_code == 0, run.output
        paid = engine.generated
        first = load_calibrations(file)
        again = selfref("calibrate", *options)
        assert (again.exit_code, engine.generated) == (0, paid), "what was paid for is not asked again"
    assert load_calibrations(file).calibrations == first.calibrations
    (made,) = first.calibrations
    assert made.temperature == pytest.approx(ODDS / math.log(9), rel=1e-9)
    assert made.tie_width is None
    assert (made.judge.model, made.judge.preset.value) == ("stub/honest-judge", "direct")
    assert (made.fitted_on.name, made.fitted_on.pairs) == ("mine.jsonl", ROWS)
    assert made.held_out_after.ece.value < 0.01 < made.held_out_before.ece.value
    assert made.digest in run.stdout
    assert f"--calibration {file}" in run.stderr.replace("\n", "")
    assert file.with_suffix(".png").stat().st_size > 10_000
    _benchmark_reads_the_kept_judgments_on_it(pairs, out, file)


def _benchmark_reads_the_kept_judgments_on_it(pairs, out, file):
    found = {}
    for name, more in (("before", ()), ("after", ("--calibration", str(file)))):
        report = out / f"{name}.json"
        options = ("--arms", "direct", "--url", "http://127.0.0.1:9", "--out", str(out), "--json", str(report))
        run = CliRunner().invoke(bench, ["agreement", str(pairs), *options, "--resamples", "200", *more])
        assert run.exit_code == 0, run.output
        found[name] = json.loads(report.read_text())["arms"]["direct"]
    assert found["after"]["ece"] < 0.01 < found["before"]["ece"]
    assert found["after"]["accuracy_both"] == found["before"]["accuracy_both"]
    (provenance,) = found["after"]["provenance"]
    assert provenance["calibration"] == load_calibrations(file).calibrations[0].digest


@pytest.mark.parametrize(
    ("judge", "told"), [("random", "do not tell better from worse"), ("honest", "agrees with every label")]
)
def test_a_judge_that_allows_no_calibration_is_refused_and_nothing_is_written(folder, judge, told):
    pairs, out = write_labelled(folder / "mine.jsonl", rows=ROWS), folder / "out"
    with StubEngine("--judge", judge) as engine:
        options = ("--engine-url", engine.url, "--preset", "direct", "--out", str(out))
        run = selfref("calibrate", str(pairs), *options)
    assert run.exit_code == 1
    said = " ".join(run.stderr.split())
    assert "nothing is written" in said
    assert told in said
    assert not list(out.glob("*calibration*"))
    assert (out / "mine.results.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "FILE or --world"),
        (("FILE", "--world", "train"), "FILE or --world"),
        (("FILE", "--pairs", "3"), "FILE and --pairs"),
        (("FILE", "--preset", "reference"), "preset reference"),
        (("FILE", "--preset", "best"), "best"),
        (("FILE", "--url", "http://127.0.0.1:9", "--engine-url", "http://127.0.0.1:9"), "--engine-url"),
        (("nowhere.jsonl",), "nowhere.jsonl"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_starts(tmp_path, options, told):
    pairs = write_labelled(tmp_path / "mine.jsonl", rows=3)
    run = selfref("calibrate", *(str(pairs) if each == "FILE" else each for each in options))
    assert run.exit_code == 2, run.output
    assert told in " ".join(run.output.split())


def test_a_bad_line_is_named_and_nothing_is_asked(tmp_path):
    pairs = write_labelled(tmp_path / "mine.jsonl", rows=3)
    pairs.write_text(pairs.read_text() + '{"id": "4"}\n')
    run = selfref("calibrate", str(pairs), "--url", "http://127.0.0.1:9", "--out", str(tmp_path / "out"))
    assert run.exit_code == 2
    assert "line 4: prompt: Field required" in run.output
    assert not (tmp_path / "out").exists()
