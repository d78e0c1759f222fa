"""What is shown of a job: within 80 columns, no text controls the terminal, and seldom where nobody watches."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from selfref.cli import job_progress
from selfref.cli.job_progress import show_as_it_goes
from selfref.cli.job_view import print_job, print_next_steps, print_row, told
from selfref.messages import Job, JobCounts, JobStatus, LineCounts, LineError, Reliability, Usage
from tests.selfref.client.made_jobs import THEN, at, job

MANY = JobCounts(
    submitted=1_000_000, decided=800_000, tie=50_000, inconsistent=50_000, failed=12_345, canceled=7, waiting=87_648
)
LINES = LineCounts(total=1_100_000, pairs=1_000_000, duplicates=90_000, gold=2_000, refused=8_000)
HUGE = job(counts=MANY, lines=LINES, pairs_per_second=1234.5, eta_seconds=86_399.0, name="name " * 30)
ENDED = HUGE.model_copy(
    update={
        "status": JobStatus.COMPLETED,
        "ended_at": THEN + timedelta(hours=3),
        "usage": Usage(calls=5_000_000, prompt_tokens=1_234_567_890, completion_tokens=123_456_789),
        "reliability": Reliability(
            pending=3,
            failed=1,
            same_answers=500,
            same_answers_decided=12,
            repeats=490,
            repeats_agreeing=480,
            gold=2000,
            gold_right=1990,
        ),
    }
)
VALIDATING = job(status=JobStatus.VALIDATING, lines=None, counts=JobCounts())


def shown(what: Any, *arguments: Any, terminal: bool = False) -> str:
    """What is printed on 80 columns."""
    console = Console(width=80, force_terminal=terminal, color_system=None, highlight=False)
    with console.capture() as captured:
        what(*arguments, console)
    return captured.get()


def test_the_largest_job_and_its_bar_fit_80_columns() -> None:
    printed = shown(print_job, ENDED) + shown(print_next_steps, ENDED)
    assert max(map(len, printed.splitlines())) <= 80
    assert f"\n  selfref jobs errors {ENDED.id}\n" in printed
    bar = shown(show_as_it_goes, [HUGE], terminal=True)
    assert "912352/1000000 1234.5/s  23:59:59 left" in bar
    assert "decided 800000  tie 50000  inconsistent 50000  failed 12345  canceled 7" in bar


def test_the_bar_knows_no_total_before_the_lines_are_read() -> None:
    bar = shown(show_as_it_goes, [VALIDATING], terminal=True).splitlines()
    assert [line.split()[-1] for line in bar if "validating" in line] == ["0/?"]


def test_a_long_name_is_wrapped_and_not_cut() -> None:
    assert shown(print_job, job(name="x" * 200)).count("x") == 200


def test_where_nobody_watches_there_is_a_line_for_a_new_status_and_else_one_in_a_while() -> None:
    jobs: Sequence[Job] = [VALIDATING, *[at(decided, of=100) for decided in range(100)], at(100, of=100)]
    printed = shown(show_as_it_goes, jobs).splitlines()
    assert [line.partition(":")[0] for line in printed] == ["validating", "running", "completed"]
    assert printed[-1] == "completed: 100/100 pairs, 100 decided"


def test_a_long_silence_is_broken() -> None:
    time = iter(range(0, 1000, 4))
    jobs: Iterator[Job] = iter([at(decided, of=100) for decided in range(10)])
    console = Console(width=80, color_system=None, highlight=False)
    with console.capture() as captured:
        list(job_progress._as_lines(jobs, console, lambda: float(next(time))))
    assert 2 <= len(captured.get().splitlines()) < 10


def test_the_last_state_is_what_following_comes_to() -> None:
    console = Console(quiet=True)
    assert show_as_it_goes([at(3), at(10)], console) == at(10)


@pytest.mark.parametrize(
    ("state", "offered", "not_offered"),
    [
        (at(3), ["follow", "results"], ["errors", "retry"]),
        (at(10), ["results"], ["follow", "errors", "retry"]),
        (ENDED, ["errors", "retry", "results"], ["follow"]),
        (ENDED.model_copy(update={"status": JobStatus.CANCELED}), ["errors", "results"], ["retry", "follow"]),
        (VALIDATING, ["follow"], ["errors", "results"]),
    ],
)
def test_what_to_do_next_is_what_can_be_done(state: Job, offered: list[str], not_offered: list[str]) -> None:
    printed = shown(print_next_steps, state)
    assert all(f"selfref jobs {command} {state.id}" in printed for command in offered)
    assert not any(f"selfref jobs {command}" in printed for command in not_offered)


def test_texts_of_callers_are_one_line_and_no_control_of_the_terminal() -> None:
    rogue = "\x1b[2J[bold]a\nb\x9b"
    row = shown(print_row, job(name=rogue))
    error = LineError(line=1, custom_id=rogue, code="c", message=rogue, retryable=True)
    for printed in (row, str(told(error)) + "\n", shown(print_job, job(name=rogue, reason=rogue))):
        assert not {"\x1b", "\x9b"} & set(printed)
        assert "[bold]a" in printed
    assert len(row.splitlines()) == len(str(told(error)).splitlines()) == 1
