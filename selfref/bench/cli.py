"""`selfref bench`: the measurements, each a command."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from selfref.bench.agreement.command import agreement
from selfref.bench.agreement.public.command import fetch
from selfref.bench.engine_speed.command import engine
from selfref.bench.jobs.command import jobs
from selfref.bench.overhead import Setting, measure
from selfref.bench.report import report, summary, table
from selfref.bench.stack import Faults
from selfref.stack.errors import PartFailed

app = typer.Typer(no_args_is_help=True, help="Measure the service on this machine.")


@app.callback()
def bench() -> None:
    """Measure the service on this machine."""


app.command()(agreement)
app.command()(engine)
app.command()(fetch)
app.command()(jobs)


@app.command()
def overhead(
    pairs: Annotated[int, typer.Option(min=1, help="pairs in each run")] = 2000,
    concurrency: Annotated[int, typer.Option(min=1, help="engine calls in flight")] = 64,
    workers: Annotated[int, typer.Option(min=1, help="worker processes, sharing the concurrency evenly")] = 1,
    latency_ms: Annotated[str, typer.Option(help="what the engine takes for a call; several, separated by commas")] = (
        "0,50"
    ),
    errors: Annotated[float, typer.Option(min=0, max=1, help="share of engine calls answered 503")] = 0.0,
    garbage: Annotated[float, typer.Option(min=0, max=1, help="share of verdicts that carry no label")] = 0.0,
    runs: Annotated[int, typer.Option(min=1, help="fresh stacks for each latency; the table shows medians")] = 3,
    json: Annotated[Path | None, typer.Option(help="write the report, every run included, to this file")] = None,
) -> None:
    """What the service costs per engine call, and how much of the engine it keeps busy."""
    console = Console()
    latencies = [_latency(text) for text in latency_ms.split(",")]
    faults = Faults(errors, garbage)
    settings = [Setting(pairs, concurrency, latency, faults, workers) for latency in latencies]
    measured: list[list[dict[str, Any]]] = [[] for _ in settings]
    with console.status("measuring") as status:
        for number in range(runs):  # interleaved: the machine's speed drifts
            for setting, results in zip(settings, measured, strict=True):
                status.update(f"run {number + 1} of {runs}, engine {setting.latency_ms:g} ms")
                results.append(_measured(setting, seed=number))
    summaries = [summary(setting, results) for setting, results in zip(settings, measured, strict=True)]
    console.print(table(summaries))
    if json is not None:
        json.write_bytes(orjson.dumps(report(summaries), option=orjson.OPT_INDENT_2))


def _latency(text: str) -> float:
    try:
        latency = float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number of milliseconds") from None
    if latency < 0:
        raise typer.BadParameter("a latency cannot be negative")
    return latency


def _measured(setting: Setting, *, seed: int) -> dict[str, Any]:
    try:
        return asyncio.run(measure(setting, seed=seed))
    except PartFailed as error:
        Console(stderr=True).print(f"{error}\n{error.tail}", markup=False)
        raise typer.Exit(1) from error
