"""`selfref jobs` against a real service."""

import json
import uuid
from pathlib import Path

import pytest

from selfref.cli.result_format import ResultFormat
from selfref.messages import Job, JobResult
from selfref.stack.datadir import Running
from tests.selfref.cli.running import selfref


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three pairs, and a line that is none."""
    seed = uuid.uuid4()
    lines = [{"prompt": f"{seed} {number}", "answer_a": "GOOD", "answer_b": "bad"} for number in range(3)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in [*lines, {"prompt": "\x1b[31mred"}]))
    return path


def test_a_file_is_submitted_and_followed_to_its_end(stack: Running, file: Path) -> None:
    shown = selfref("jobs", "submit", str(file), "--follow", "--max-refused", "0.5", "--url", stack.service_url)
    assert shown.exit_code == 0, shown.output
    job_id = shown.stdout.splitlines()[0]
    assert "completed" in shown.stderr
    assert "4 total, 3 pairs, 1 refused" in shown.stdout
    assert f"selfref jobs errors {job_id}" in shown.stderr
    assert all(len(line) <= 80 or "selfref jobs" in line for line in shown.stdout.splitlines())
    errors = selfref("jobs", "errors", job_id, "--url", stack.service_url)
    assert errors.stdout.startswith("line 4: invalid_request: ")
    status = selfref("jobs", "status", job_id, "--json", "--url", stack.service_url)
    assert Job.model_validate_json(status.stdout).counts.decided == 3
    assert job_id in selfref("jobs", "list", "--url", stack.service_url).stdout
    assert "completed" in selfref("jobs", "follow", job_id, "--url", stack.service_url).stdout


@pytest.mark.parametrize("format_", ResultFormat)
def test_results_are_written_whole_or_not_at_all(
    stack: Running, file: Path, tmp_path: Path, format_: ResultFormat
) -> None:
    url = ("--url", stack.service_url)
    job_id = selfref("jobs", "submit", str(file), "--follow", "--max-refused", "0.5", *url).stdout.splitlines()[0]
    out = tmp_path / "out"
    shown = selfref("jobs", "results", job_id, "--format", format_.value, "--out", str(out), *url)
    assert shown.exit_code == 0, shown.output
    content = out.read_bytes()
    if format_ is ResultFormat.PARQUET:
        assert content.startswith(b"PAR1")
        assert selfref("jobs", "results", job_id, "--format", "parquet", *url).exit_code == 2
    else:
        assert len(content.splitlines()) == 3
        assert selfref("jobs", "results", job_id, "--format", format_.value, *url).stdout.encode() == content
    if format_ is ResultFormat.JUDGMENTS:
        assert {JobResult.model_validate_json(line).line for line in content.splitlines()} == {1, 2, 3}
        onward = shown.stderr.rpartition("--after ")[2].strip()
        assert selfref("jobs", "results", job_id, "--after", onward, *url).stdout == ""
    gone = selfref("jobs", "results", "job-x", "--out", str(tmp_path / "none"), *url)
    assert gone.exit_code == 2
    assert not (tmp_path / "none").exists()


def test_a_job_that_did_not_become_what_was_asked_for_ends_with_3(stack: Running, file: Path) -> None:
    url = ("--url", stack.service_url)
    refused = selfref("jobs", "submit", str(file), "--follow", "--max-refused", "0", *url)
    assert refused.exit_code == 3
    assert "1 of 4 lines were refused" in refused.stdout
    job_id = refused.stdout.splitlines()[0]
    assert selfref("jobs", "cancel", job_id, *url).exit_code == 0
    assert selfref("jobs", "retry", job_id, *url).exit_code == 2
    assert selfref("jobs", "delete", job_id, *url).exit_code == 0
    assert selfref("jobs", "status", job_id, *url).exit_code == 2


def test_what_cannot_be_sent_says_why(stack: Running, tmp_path: Path) -> None:
    missing = selfref("jobs", "submit", str(tmp_path / "nothing"), "--url", stack.service_url)
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
    (tmp_path / "empty").write_text("")
    empty = selfref("jobs", "submit", str(tmp_path / "empty"), "--url", stack.service_url)
    assert (empty.exit_code, "empty_upload" in empty.stderr) == (2, True)
    assert selfref("jobs", "list", "--url", "http://127.0.0.1:9").exit_code == 5
