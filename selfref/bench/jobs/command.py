"""`selfref bench jobs`: the options, the progress, the tables."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from selfref.bench.jobs.caller import JobFailed
from selfref.bench.jobs.plan import Case, Figures, Part, Plan
from selfref.bench.jobs.report import MEASUREMENTS, report, summary, table
from selfref.stack.errors import PartFailed


def jobs(
    only: Annotated[list[Part] | None, typer.Option(help="measure this part alone; may be given again")] = None,
    sizes: Annotated[str, typer.Option(help="lines of the uploads, separated by commas")] = "10000,100000",
    ended: Annotated[int, typer.Option(min=1, help="pairs of each job that are judged while memory is watched")] = 5000,
    pairs: Annotated[int, typer.Option(min=1, help="pairs that go through the queue")] = 10_000,
    lease: Annotated[float, typer.Option(min=1, help="of worker and keeper, seconds")] = 5.0,
    big: Annotated[int, typer.Option(min=200, help="pairs of the tenant that was there first")] = 100_000,
    small: Annotated[int, typer.Option(min=1, help="pairs of the tenant that comes later")] = 100,
    concurrency: Annotated[int, typer.Option(min=2, help="engine calls in flight")] = 16,
    latency_ms: Annotated[
        float, typer.Option(min=0, help="what the engine takes for a call, in recovery and fairness")
    ] = 50,
    runs: Annotated[int, typer.Option(min=1, help="fresh stacks for each case; the tables show medians")] = 3,
    json: Annotated[Path | None, typer.Option(help="write the report, every run included, to this file")] = None,
) -> None:
    """Uploads, their memory, their queue, their recovery and their fairness."""
    plan = Plan(
        sizes=_sizes(sizes),
        ended=ended,
        pairs=pairs,
        lease=lease,
        big=big,
        small=small,
        concurrency=concurrency,
        latency=latency_ms / 1000,
    )
    console = Console()
    found = {}
    for part in only or Part:
        found[part] = _measured(part, MEASUREMENTS[part].cases(plan), runs=runs)
        console.print(table(part, found[part]))
    if json is not None:
        json.write_bytes(orjson.dumps(report(found, plan=plan, runs=runs), option=orjson.OPT_INDENT_2))


def _measured(part: Part, cases: list[Case], *, runs: int) -> dict[str, Any]:
    measured: list[list[Figures]] = [[] for _ in cases]
    with Console(stderr=True).status("measuring") as status:
        for number in range(runs):  # interleaved: the machine's speed drifts
            for case, results in zip(cases, measured, strict=True):
                status.update(f"{part.value}, run {number + 1} of {runs}: {case.heading.replace(chr(10), ', ')}")
                results.append(_run(case))
    return summary(part, cases, measured)


def _run(case: Case) -> Figures:
    async def measure() -> Figures:
        return await case.measure()

    try:
        return asyncio.run(measure())
    except (PartFailed, JobFailed) as error:
        more = f"\n{error.tail}" if isinstance(error, PartFailed) else ""
        Console(stderr=True).print(f"{error}{more}", markup=False)
        raise typer.Exit(1) from error


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(each) for each in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} are no numbers of lines") from None
    if min(sizes) < 1:
        raise typer.BadParameter("an upload has at least one line")
    return sizes
