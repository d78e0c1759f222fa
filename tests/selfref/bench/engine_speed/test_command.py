"""The whole of it, small: a real stack with the bundled engine, every pair judged, every figure there."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from selfref.bench.cli import app
from selfref.bench.engine_speed.figures import FIGURES


@pytest.fixture(autouse=True)
def _short_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFREF_WORKER_CRITIQUE_TOKENS", "12")
    monkeypatch.setenv("SELFREF_WORKER_REFERENCE_TOKENS", "6")


def test_every_figure_is_measured_alone_and_together(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    options = ["--shapes", "judge", "--alone", "2", "--pairs", "6", "--callers", "3", "--json", str(file)]
    run = CliRunner().invoke(app, ["engine", *options])
    assert run.exit_code == 0, run.output
    found = json.loads(file.read_text())
    assert found["settings"]["model"] == "judge"
    for name, callers, pairs in (("alone", 1, 2), ("together", 3, 6)):
        load = found["loads"][name]
        figures = load["median"]
        assert (load["callers"], figures["judgments"], load["runs"][0]["failures"]) == (callers, pairs, {})
        assert all(figures[key] is not None for key, _, _ in FIGURES)
        assert 0 < figures["outside_model_share"] < 1
        assert 0 < figures["busy_share"] <= 1.05
        assert 25 <= figures["decode_tokens_per_judgment"] <= 11 * 2 + 5  # texts of noise run to their limits
        processes = {"redis", "engine-1", "service", "keeper", "worker-1", "caller"}
        assert figures["cpu_ms_per_judgment_by_process"].keys() == processes


def test_two_models_at_once_are_refused(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["engine", "--model", str(tmp_path), "--shapes", "judge"])
    assert run.exit_code == 2
    assert "keep one" in run.output
