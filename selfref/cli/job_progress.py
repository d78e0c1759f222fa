"""A job while it is followed: a bar that moves where a person watches, and a line now and then where not."""

import time
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from selfref.cli.job_view import OUTCOMES, outcomes, pace
from selfref.messages import Job

LINE_EVERY = 10.0  # seconds between two lines where nobody watches
BAR = 24  # characters; with numbers in the millions the rest of its line still fits 80 columns


def show_as_it_goes(jobs: Iterable[Job], console: Console) -> Job:
    """The job at its end, after showing each of its changes."""
    shown = _as_bar(jobs, console) if console.is_terminal else _as_lines(jobs, console, time.monotonic)
    last = None
    for job in shown:
        last = job
    if last is None:
        raise AssertionError("a job that is followed is told of at least once")
    return last


def _as_bar(jobs: Iterable[Job], console: Console) -> Iterator[Job]:
    with _Bar(console) as bar:
        for job in jobs:
            bar.show(job)
            yield job


def _as_lines(jobs: Iterable[Job], console: Console, clock: Callable[[], float]) -> Iterator[Job]:
    """A line whenever the status has changed, and else one every few seconds."""
    status, due = None, 0.0
    for job in jobs:
        if job.status is not status or clock() >= due:
            done = f"{_done(job)}/{job.counts.submitted} pairs" if job.lines else "reading its lines"
            told = ", ".join(part for part in (done, pace(job), outcomes(job)) if part)
            console.print(Text(f"{job.status.value}: {told}"), soft_wrap=True)
            status, due = job.status, clock() + LINE_EVERY
        yield job


class _Bar(Progress):
    """One bar with the numbers behind it, and the outcomes beneath."""

    def __init__(self, console: Console) -> None:
        self._outcomes = Text()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(BAR),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
        )
        super().__init__(*columns, console=console)
        self._task = self.add_task("uploaded", total=None, pace="")

    def show(self, job: Job) -> None:
        """How far it is now; before its lines are read nobody knows how many pairs it has."""
        counts = job.counts.model_dump()
        self._outcomes = Text("  ".join(f"{name} {counts[name]}" for name in OUTCOMES), style="dim")
        self.update(
            self._task,
            description=job.status.value,
            total=job.counts.submitted if job.lines else None,
            completed=_done(job),
            pace=pace(job),
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar and its second line, in the order in which they stand."""
        yield from super().get_renderables()
        yield self._outcomes


def _done(job: Job) -> int:
    return job.counts.submitted - job.counts.waiting
