"""The whole path, small: every pair answered, agreed with and labelled, also where the engine misbehaves."""

import json

from typer.testing import CliRunner

from selfref.bench.cli import app


def overhead(*options: str) -> None:
    run = CliRunner().invoke(app, ["overhead", "--runs", "1", *options])
    assert run.exit_code == 0, run.output


def test_correct_plumbing_agrees_with_an_honest_judge_in_every_pair(tmp_path):
    file = tmp_path / "report.json"
    overhead("--pairs", "30", "--latency-ms", "0", "--concurrency", "8", "--json", str(file))
    (setting,) = json.loads(file.read_text())["settings"]
    found = setting["median"]
    assert (found["judged"], found["agreement"], found["unanswered"]) == (30, 1.0, 0)
    assert (found["labels_lost"], found["labels_invented"]) == (0, 0)
    assert found["generate_calls_per_pair"] == 5  # a reference, a critique and a verdict in both orders
    assert setting["failed"] == [{}]
    for name in ("cpu_ms_per_call", "cpu_ms_per_call_worker", "bare_cpu_ms_per_call", "pairs_per_second"):
        assert found[name] > 0


def test_503s_and_garbage_lose_no_label_and_invent_none(tmp_path):
    file = tmp_path / "report.json"
    overhead(
        *("--pairs", "60", "--latency-ms", "5", "--concurrency", "8"),
        *("--errors", "0.05", "--garbage", "0.1", "--json", str(file)),
    )
    (setting,) = json.loads(file.read_text())["settings"]
    found, failed = setting["median"], setting["failed"][0]
    assert found["judged"] + sum(failed.values()) == 60
    assert (found["agreement"], found["unanswered"]) == (1.0, 0)
    assert (found["labels_lost"], found["labels_invented"]) == (0, 0)
    assert set(failed) == {"unreadable_verdict"}


def test_a_latency_that_is_no_number_is_refused():
    run = CliRunner().invoke(app, ["overhead", "--latency-ms", "fast"])
    assert run.exit_code == 2
    assert "not a number" in run.output
