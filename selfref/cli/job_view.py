"""How a job looks in a terminal: one row in a list, or a few lines that say what to do next."""

from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from selfref.cli.terminal import visible
from selfref.messages import Job, JobStatus, LineError, Reliability

OUTCOMES = ("decided", "tie", "inconsistent", "failed", "canceled")
JUDGED = ("decided", "tie", "inconsistent")


def print_row(job: Job, console: Console) -> None:
    """One job in a list; not in a table, whose columns would break its id on a narrow terminal."""
    name = f"  {_one_line(job.name)}" if job.name else ""
    when = job.created_at.strftime("%Y-%m-%d %H:%M")
    console.print(visible(f"{job.id}  {when}  {job.status.value:<10}  {_pairs(job)}{name}"), soft_wrap=True)


def print_job(job: Job, console: Console) -> None:
    """A job in a few lines, wrapped rather than cut."""
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for name, value in _rows(job):
        rows.add_row(name, visible(value))
    console.print(rows)


def print_next_steps(job: Job, console: Console) -> None:
    """What one would like to do with such a job, each command on a line of its own."""
    for reason, command in _next_steps(job):
        console.print(Text(f"{reason}:\n  selfref jobs {command}"), soft_wrap=True)


def told(error: LineError) -> Text:
    """One line of a list of errors."""
    whose = f" ({_one_line(error.custom_id)})" if error.custom_id else ""
    again = " (trying again can help)" if error.retryable else ""
    return visible(f"line {error.line}{whose}: {error.code}: {_one_line(error.message)}{again}")


def pace(job: Job) -> str:
    """How fast it goes and how long it will take, as far as that is known."""
    rate = f"{job.pairs_per_second:.1f}/s" if job.pairs_per_second else ""
    left = f"{_duration(job.eta_seconds)} left" if job.eta_seconds is not None else ""
    return "  ".join(part for part in (rate, left) if part)


def outcomes(job: Job) -> str:
    """How its pairs came out so far, without zeros."""
    counts = job.counts.model_dump()
    return ", ".join(f"{counts[name]} {name}" for name in (*OUTCOMES, "waiting") if counts[name])


def _pairs(job: Job) -> str:
    if job.lines is None:
        return "its lines are being read"
    return f"{job.counts.submitted - job.counts.waiting}/{job.counts.submitted} pairs"


def _rows(job: Job) -> list[tuple[str, str]]:
    rows = [("job", job.id), ("name", job.name or ""), ("status", _status(job)), ("reason", job.reason or "")]
    if job.lines is not None:
        counts = job.lines.model_dump()
        lines = ", ".join(f"{counts[name]} {name}" for name in counts if name != "total" and counts[name])
        rows += [("lines", f"{job.lines.total}: {lines}"), ("pairs", f"{job.counts.submitted}: {outcomes(job)}")]
    usage = job.usage
    rows.append(("cost", f"{usage.calls} calls, {usage.prompt_tokens} + {usage.completion_tokens} tokens"))
    rows.append(("checks", _checks(job.reliability) if job.reliability else ""))
    return [(name, value) for name, value in rows if value]


def _status(job: Job) -> str:
    took = f" in {_duration((job.ended_at - job.created_at).total_seconds())}" if job.ended_at else ""
    return f"{job.status.value}{took}" + (f", {pace(job)}" if pace(job) else "")


def _checks(found: Reliability) -> str:
    told = [
        (found.same_answers, f"{found.same_answers_decided} of {found.same_answers} same answers decided"),
        (found.repeats, f"{found.repeats_agreeing} of {found.repeats} repeats agree"),
        (found.gold, f"{found.gold_right} of {found.gold} gold pairs right"),
        (found.failed, f"{found.failed} failed"),
        (found.pending, f"{found.pending} wait"),
    ]
    return "; ".join(text for number, text in told if number)


def _next_steps(job: Job) -> list[tuple[str, str]]:
    counts = job.counts.model_dump()
    refused = job.lines.refused if job.lines else 0
    steps = []
    if refused or job.counts.failed:
        steps.append((f"lines refused: {refused}, pairs not judged: {job.counts.failed}", f"errors {job.id}"))
    if job.counts.failed and job.status is JobStatus.COMPLETED:
        steps.append(("judge the failed pairs again", f"retry {job.id} --follow"))
    if any(counts[name] for name in JUDGED):
        steps.append(("what was judged", f"results {job.id} --out results.jsonl"))
    if not job.status.ended:
        steps.append(("its progress", f"follow {job.id}"))
    return steps


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
