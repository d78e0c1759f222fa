"""`selfref bench engine`: the options, the progress bar, the table."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from selfref.bench.engine_speed.report import report, table
from selfref.bench.engine_speed.run import Plan, measure
from selfref.bench.engine_speed.shapes import Shapes, write_random
from selfref.client import SelfrefError
from selfref.stack.errors import PartFailed, StackError


def engine(
    model: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="folder of a Hugging Face chat model; default: the bundled judge"
        ),
    ] = None,
    shapes: Annotated[
        Shapes | None, typer.Option(help="instead of a model: random weights of these shapes, in bfloat16")
    ] = None,
    alone: Annotated[int, typer.Option(min=1, help="pairs judged one after another")] = 30,
    pairs: Annotated[int, typer.Option(min=1, help="pairs judged by all callers together")] = 256,
    callers: Annotated[int, typer.Option(min=1, help="callers at once")] = 64,
    seed: Annotated[int, typer.Option(help="draws the pairs")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="fresh stacks; the table shows medians")] = 1,
    json: Annotated[Path | None, typer.Option(help="write the report, every run included, to this file")] = None,
) -> None:
    """How fast the whole stack judges, one caller alone and many together, and where the engine's time goes."""
    if model is not None and shapes is not None:
        raise typer.BadParameter("--model and --shapes are both given; keep one")
    with tempfile.TemporaryDirectory(prefix="selfref-bench-model-") as folder:
        if shapes is not None:
            model = Path(folder)
            write_random(model, shapes)
        plan = Plan(model=model and model.absolute(), alone=alone, together=pairs, callers=callers, seed=seed)
        measured = [_measured(plan) for _ in range(runs)]
    settings = {
        "model": shapes.value if shapes else str(model) if model else "bundled",
        "pairs_alone": alone,
        "pairs_together": pairs,
        "callers": callers,
        "seed": seed,
        "runs": runs,
    }
    found = report(measured, settings=settings)
    Console().print(table(found))
    if json is not None:
        json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def _measured(plan: Plan) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        stack = bar.add_task("starting", total=None)
        loads = {
            "alone": bar.add_task("one caller", total=plan.alone),
            "together": bar.add_task(f"{plan.callers} callers", total=plan.together),
        }

        def told(what: str) -> None:
            bar.update(stack, description=what)

        def done(load: str) -> None:
            bar.advance(loads[load])

        try:
            return asyncio.run(measure(plan, report=told, done=done))
        except (StackError, SelfrefError) as error:
            failure = error
    more = f"\n{failure.tail}" if isinstance(failure, PartFailed) else ""
    Console(stderr=True).print(f"{failure}{more}", markup=False)
    raise typer.Exit(1) from failure
