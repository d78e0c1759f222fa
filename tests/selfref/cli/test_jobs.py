"""`selfref jobs` against a real service whose judge prefers what contains GOOD."""

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfref import Client
from selfref.cli.result_format import ResultFormat
from selfref.messages import Job, JobResult, JobStatus, LineError
from selfref.stack.datadir import Running
from tests.selfref.cli.fake_feed import feed
from tests.selfref.cli.running import selfref
from tests.selfref.exports.labels import label
from tests.stacks import UP, until


def lines(count: int) -> list[str]:
    """Pairs that no other test asks."""
    seed = uuid.uuid4()
    pair = {"answer_a": "GOOD", "answer_b": "bad"}
    return [
        json.dumps({"prompt": f"{seed} {number}", "custom_id": f"c{number}", **pair}) + "\n" for number in range(count)
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three pairs, and a line that is none."""
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join([*lines(3), json.dumps({"prompt": "p", "custom_id": "\x1b[31mred\nline 9"}) + "\n"]))
    return path


@pytest.fixture
def job_id(stack: Running, file: Path) -> str:
    """The job of that file, ended."""
    shown = selfref("jobs", "submit", str(file), "--follow", "--max-refused", "0.5", "--url", stack.service_url)
    assert shown.exit_code == 0, shown.output
    return shown.stdout.strip()


@pytest.fixture
def long_job(stack: Running, tmp_path: Path) -> Iterator[str]:
    """A job that does not end while a test looks at it."""
    path = tmp_path / "long.jsonl"
    path.write_text("".join(lines(2000)))
    with Client(stack.service_url) as client:
        job = client.jobs.submit(path)
        yield job.id
        client.jobs.cancel(job.id)


def test_a_file_is_submitted_and_followed_to_its_end(stack: Running, file: Path) -> None:
    shown = selfref("jobs", "submit", str(file), "--follow", "--max-refused", "0.5", "--url", stack.service_url)
    assert shown.exit_code == 0, shown.output
    job_id = shown.stdout.strip()
    assert shown.stdout == f"{job_id}\n", "only the id, for a script to take"
    assert "completed: 3/3 pairs" in shown.stderr
    assert "4: 3 pairs, 1 refused" in shown.stderr
    assert f"selfref jobs errors {job_id}" in shown.stderr
    assert f"selfref jobs results {job_id}" in shown.stderr


def test_a_file_comes_from_standard_input(stack: Running) -> None:
    shown = selfref("jobs", "submit", "-", "--follow", "--url", stack.service_url, stdin="".join(lines(2)))
    assert shown.exit_code == 0
    assert "completed: 2/2 pairs" in shown.stderr


def test_a_job_that_is_not_waited_for_is_said_how_to_follow(stack: Running, file: Path) -> None:
    url = ("--url", stack.service_url)
    submitted = selfref("jobs", "submit", str(file), "--max-refused", "0.5", "--name", "mine", *url)
    job_id = submitted.stdout.strip()
    assert f"selfref jobs follow {job_id}" in submitted.stderr
    followed = selfref("jobs", "follow", job_id, *url)
    assert (followed.exit_code, followed.stdout) == (0, "")
    assert "completed" in followed.stderr
    status = selfref("jobs", "status", job_id, *url)
    assert "mine" in status.stdout
    assert "3 decided" in status.stdout
    as_json = selfref("jobs", "status", job_id, "--json", *url)
    assert Job.model_validate_json(as_json.stdout).counts.decided == 3


def test_jobs_are_listed_a_page_at_a_time(stack: Running, job_id: str) -> None:
    url = ("--url", stack.service_url)
    first = selfref("jobs", "list", "--limit", "1", *url)
    assert first.stdout.startswith(f"{job_id}  ")
    assert len(first.stdout.splitlines()) == 1
    another = selfref("jobs", "submit", "-", *url, stdin="".join(lines(1))).stdout.strip()
    newest = selfref("jobs", "list", "--limit", "1", *url)
    assert newest.stdout.startswith(another)
    older = selfref("jobs", "list", "--json", "--after", newest.stderr.split("--after ")[1].strip(), *url)
    assert Job.model_validate_json(older.stdout.splitlines()[0]).id == job_id


def test_errors_are_told_a_line_each_whatever_their_texts_hold(stack: Running, job_id: str) -> None:
    url = ("--url", stack.service_url)
    shown = selfref("jobs", "errors", job_id, *url)
    assert shown.stdout.startswith("line 4 (\N{REPLACEMENT CHARACTER}[31mred line 9): invalid_request: ")
    assert len(shown.stdout.splitlines()) == 1
    assert LineError.model_validate_json(selfref("jobs", "errors", job_id, "--json", *url).stdout).line == 4
    onward = shown.stderr.split("--after ")[1].strip()
    assert selfref("jobs", "errors", job_id, "--after", onward, *url).stdout == ""


@pytest.mark.parametrize("format_", [each for each in ResultFormat if each is not ResultFormat.PARQUET])
def test_results_go_to_standard_output_or_to_a_file_and_go_on_from_a_cursor(
    stack: Running, job_id: str, tmp_path: Path, format_: ResultFormat
) -> None:
    out, asked = tmp_path / "out", ("jobs", "results", job_id, "--format", format_.value, "--url", stack.service_url)
    shown = selfref(*asked, "--out", str(out))
    assert shown.exit_code == 0, shown.output
    assert (len(out.read_bytes().splitlines()), shown.stdout) == (3, "")
    again = selfref(*asked)
    assert again.stdout.encode() == out.read_bytes()
    assert again.stderr.startswith("3 lines written; what comes later: --after ")
    assert selfref(*asked, "--after", again.stderr.split("--after ")[1].strip()).stdout == ""
    if format_ is ResultFormat.JUDGMENTS:
        assert {JobResult.model_validate_json(line).line for line in again.stdout.splitlines()} == {1, 2, 3}


def test_results_are_written_while_they_come(stack: Running, tmp_path: Path) -> None:
    url = ("--url", stack.service_url)
    job_id = selfref("jobs", "submit", "-", *url, stdin="".join(lines(30))).stdout.strip()
    shown = selfref("jobs", "results", job_id, "--follow", *url)
    assert {JobResult.model_validate_json(line).line for line in shown.stdout.splitlines()} == set(range(1, 31))
    assert shown.stderr.startswith("30 lines written")
    out = tmp_path / "labels.parquet"
    parquet = ("jobs", "results", job_id, "--format", "parquet")
    assert selfref(*parquet, "--follow", "--out", str(out), *url).exit_code == 0
    assert out.read_bytes().startswith(b"PAR1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "parquet"), "--out"),
        (("--format", "parquet", "--out", "labels.parquet", "--after", "0-0.0"), "--after"),
        (("--out", "nowhere/results.jsonl"), "there is no folder nowhere"),
        (("--out", __file__), "--overwrite"),
        (("--url", "localhost:1"), "http://HOST:PORT"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_read(arguments: tuple[str, ...], said: str) -> None:
    shown = selfref("jobs", "results", "job-x", "--url", "http://127.0.0.1:9", *arguments)
    assert shown.exit_code == 2
    assert said in shown.stderr


def test_results_that_break_off_say_where_to_go_on_and_leave_no_file(tmp_path: Path) -> None:
    pages = ([label("l0"), label("l1")], [label("l2")])
    with feed(*pages, at_page=1) as url:
        shown = selfref("jobs", "results", "job-x", "--url", url)
        filed = selfref("jobs", "results", "job-x", "--out", str(tmp_path / "out"), "--url", url)
    assert shown.exit_code == filed.exit_code == 2
    assert len(shown.stdout.splitlines()) == 2
    assert "2 lines written; what comes later: --after 1" in shown.stderr
    assert "written" not in filed.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_job_with_too_many_refused_lines_ends_with_3_and_its_reason(stack: Running, file: Path) -> None:
    url = ("--url", stack.service_url)
    refused = selfref("jobs", "submit", str(file), "--follow", "--max-refused", "0", *url)
    assert refused.exit_code == 3
    assert "1 of 4 lines were refused" in refused.stderr
    job_id = refused.stdout.strip()
    retried = selfref("jobs", "retry", job_id, *url)
    assert retried.exit_code == 2
    assert "what to do: Only pairs that could not be judged" in retried.stderr


def test_pairs_that_fail_end_with_3_and_can_be_retried(stack: Running) -> None:
    url = ("--url", stack.service_url)
    too_long = json.dumps({"prompt": f"{uuid.uuid4()} " + "word " * 9000, "answer_a": "a", "answer_b": "b"})
    failed = selfref("jobs", "submit", "-", "--follow", *url, stdin=too_long)
    assert failed.exit_code == 3
    job_id = failed.stdout.strip()
    assert f"selfref jobs retry {job_id} --follow" in failed.stderr
    assert "too_long" in selfref("jobs", "errors", job_id, *url).stdout
    assert selfref("jobs", "retry", job_id, "--follow", *url).exit_code == 3


def test_a_job_is_canceled_and_then_deleted(stack: Running, long_job: str) -> None:
    url = ("--url", stack.service_url)
    too_early = selfref("jobs", "delete", long_job, *url)
    assert too_early.exit_code == 2
    assert "selfref jobs cancel" in too_early.stderr
    canceled = selfref("jobs", "cancel", long_job, *url)
    assert (canceled.exit_code, "canceled" in canceled.stdout) == (0, True)
    assert selfref("jobs", "follow", long_job, *url).exit_code == 3


def test_a_deleted_job_is_unknown(stack: Running, job_id: str) -> None:
    url = ("--url", stack.service_url)
    assert "is deleted" in selfref("jobs", "delete", job_id, *url).stderr
    unknown = selfref("jobs", "status", job_id, *url)
    assert unknown.exit_code == 2
    assert "selfref jobs list" in unknown.stderr


def test_ctrl_c_stops_following_and_not_the_job(stack: Running, long_job: str, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        command = [sys.executable, "-c", UP, "jobs", "follow", long_job, "--url", stack.service_url]
        process = subprocess.Popen(command, stderr=output)
    until(lambda: "running" in said.read_text(), what="the job is followed")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert "the job goes on" in said.read_text()
    assert f"selfref jobs cancel {long_job}" in said.read_text()
    with Client(stack.service_url) as client:
        assert client.jobs.get(long_job).status is JobStatus.RUNNING


def test_the_same_key_is_the_same_job(stack: Running, file: Path) -> None:
    asked = ("jobs", "submit", str(file), "--max-refused", "0.5", "--idempotency-key", str(uuid.uuid4()))
    url = ("--url", stack.service_url)
    assert selfref(*asked, *url).stdout == selfref(*asked, *url).stdout
    other = selfref(*asked, "--name", "another", *url)
    assert other.exit_code == 2
    assert "what to do: Leave --idempotency-key out" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.jsonl",), "nothing.jsonl cannot be read: No such file"),
        ((__file__, "--votes", "99"), "votes"),
        ((__file__, "--votes", "3", "--max-votes", "4"), "the options: "),
        ((__file__, "--canaries", "nan"), "canaries"),
        ((__file__, "--name", "x" * 201), "name"),
        ((__file__, "--url", "localhost:1"), "http://HOST:PORT"),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is(arguments: tuple[str, ...], said: str) -> None:
    shown = selfref("jobs", "submit", "--url", "http://127.0.0.1:9", *arguments)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert said in shown.stderr


def test_an_empty_file_is_refused_by_the_service(stack: Running) -> None:
    shown = selfref("jobs", "submit", "-", "--url", stack.service_url, stdin="\n")
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "empty_upload" in shown.stderr


def test_nobody_there_has_its_own_exit_code() -> None:
    assert selfref("jobs", "list", "--url", "http://127.0.0.1:9").exit_code == 5
