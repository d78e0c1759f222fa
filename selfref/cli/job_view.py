"""How a job looks in a terminal: one row, a few lines, or a bar that moves."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from selfref.cli.terminal import err, out, visible

if TYPE_CHECKING:
    from selfref.messages import Job

OUTCOMES = ("decided", "tie", "inconsistent", "failed", "canceled")


def progress(jobs: "Iterable[Job]") -> "Job":
    """Show a job as it changes, as a bar where a person watches and as lines where not; the job at its end."""
    last: Job | None = None
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        console=err,
    )
    with bar:
        task = bar.add_task("validating", total=None, told="")
        for job in jobs:
            last = job
            if err.is_terminal:
                total = job.counts.submitted or None
                done = job.counts.submitted - job.counts.waiting
                bar.update(task, description=job.status.value, total=total, completed=done, told=_told(job))
            else:
                bar.update(task, visible=False)
                err.print(visible(f"{job.status.value} {_told(job)}"), soft_wrap=True)
    if last is None:
        raise AssertionError("a job that is followed is told of at least once")
    return last


def print_row(job: "Job") -> None:
    """One job in a list."""
    name = f"  {job.name}" if job.name else ""
    when = job.created_at.isoformat(timespec="seconds")
    out.print(visible(f"{job.id}  {job.status.value:<10}  {when}  {_outcomes(job)}{name}"), soft_wrap=True)


def print_job(job: "Job") -> None:
    """A job in a few lines, and what to do next."""
    rows = [("job", f"{job.id}{f'  {job.name}' if job.name else ''}"), ("status", _status(job))]
    if job.lines is not None:
        counts = job.lines.model_dump()
        rows.append(
            ("lines", ", ".join(f"{counts[name]} {name}" for name in counts if counts[name] or name == "total"))
        )
    rows.append(("pairs", f"{job.counts.submitted}: {_outcomes(job)}"))
    usage = job.usage
    rows.append(("cost", f"{usage.calls} calls, {usage.prompt_tokens} + {usage.completion_tokens} tokens"))
    if job.reliability is not None:
        rows.append(("checks", _reliability(job)))
    for name, value in rows:
        out.print(Text.assemble((f"{name:<8}", "dim"), visible(value)), soft_wrap=True)
    for line in _next_steps(job):
        err.print(visible(line), soft_wrap=True)


def _status(job: "Job") -> str:
    rate = f", {job.pairs_per_second:.1f} pairs/s" if job.pairs_per_second else ""
    left = f", {_duration(job.eta_seconds)} left" if job.eta_seconds else ""
    return f"{job.status.value}{rate}{left}{f': {job.reason}' if job.reason else ''}"


def _told(job: "Job") -> str:
    rate = f"{job.pairs_per_second:.1f}/s" if job.pairs_per_second else ""
    left = f"{_duration(job.eta_seconds)} left" if job.eta_seconds else ""
    return "  ".join(part for part in (rate, left, _outcomes(job)) if part)


def _outcomes(job: "Job") -> str:
    counts = job.counts.model_dump()
    return ", ".join(f"{counts[name]} {name}" for name in (*OUTCOMES, "waiting") if counts[name]) or "nothing yet"


def _reliability(job: "Job") -> str:
    found = job.reliability
    assert found is not None  # noqa: S101 - asked only where there is one
    parts = [
        f"{found.same_answers_decided} of {found.same_answers} pairs of twice the same answer were decided",
        f"{found.repeats_agreeing} of {found.repeats} repeats agree",
        f"{found.gold_right} of {found.gold} gold pairs are right",
    ]
    totals = (found.same_answers, found.repeats, found.gold)
    told = [part for part, total in zip(parts, totals, strict=True) if total]
    return "; ".join([*told, *([f"{found.pending} wait"] if found.pending else [])]) or "none yet"


def _next_steps(job: "Job") -> list[str]:
    steps = []
    refused = job.lines.refused if job.lines else 0
    if refused or job.counts.failed:
        told = f"{refused} refused, {job.counts.failed} not judged"
        steps.append(f"lines with errors ({told}): selfref jobs errors {job.id}")
    if job.counts.failed and job.status.value != "canceled":
        steps.append(f"judge the failed ones again: selfref jobs retry {job.id} --follow")
    if job.counts.submitted - job.counts.waiting - job.counts.failed - job.counts.canceled:
        steps.append(f"results: selfref jobs results {job.id} --out results.jsonl")
    return steps


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
