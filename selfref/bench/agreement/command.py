"""`selfref bench agreement`: the options, the stack, the progress bar; what is measured stands in the other modules."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from littleworld.world.pairs import Pair
from littleworld.world.question import Split
from selfref.bench.agreement.bootstrap import LEVEL, RESAMPLES
from selfref.bench.agreement.report import WORKED_OUT, report
from selfref.bench.agreement.run import Arm, Asked, ask_all, pairs_of
from selfref.bench.agreement.scoring import BINS
from selfref.bench.agreement.view import tables
from selfref.cli.exit_codes import WRONG_USE
from selfref.cli.options import ApiKey
from selfref.cli.own_stack import on_own_stack, run_explained
from selfref.cli.terminal import err, out, stop
from selfref.client import AsyncClient
from selfref.messages import Provenance
from selfref.stack.parts import StackSettings

ARMS = (Arm.DIRECT, Arm.SELF_REFERENCE, Arm.REFERENCE, Arm.WRONG_REFERENCE)  # `paper` costs as much as all of them


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, and by how many callers at once."""

    pairs: Sequence[Pair]
    arms: Sequence[Arm]
    at_once: int


def agreement(
    world: Annotated[Split, typer.Option(help="side of the little world: questions trained on, or never seen")] = (
        Split.HELD_OUT
    ),
    pairs: Annotated[int, typer.Option(min=1, help="pairs, the same in every arm")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="draws the pairs and the resamples")] = 0,
    arms: Annotated[str, typer.Option(help=f"of {', '.join(Arm)}; separated by commas")] = ",".join(ARMS),
    model: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="folder of the chat model that judges.  [dim]default: that of `selfref up`[/dim]",
        ),
    ] = None,
    engine_url: Annotated[str | None, typer.Option(help="judge with this engine, not a bundled one")] = None,
    url: Annotated[str | None, typer.Option(help="ask this running service instead of starting one")] = None,
    api_key: ApiKey = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="judgments waited for at a time")] = 64,
    resamples: Annotated[int, typer.Option(min=100, help="of the bootstrap")] = RESAMPLES,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="write the report to this file")] = None,
    plot: Annotated[
        Path | None, typer.Option(dir_okay=False, help="draw the reliability diagrams (needs the extra `plots`)")
    ] = None,
) -> None:
    """How well the judge agrees with gold preferences, how consistent it is, and whether a reference helps it."""
    chosen = _arms(arms)
    _require_one_judge(url=url, model=model, engine_url=engine_url)
    _require_places(json=json, plot=plot)
    plan = Plan(pairs_of(world, count=pairs, seed=seed), chosen, concurrency)
    settings = StackSettings(data_dir=Path(), port=0, model=model and model.absolute(), engine_url=engine_url)
    asked = _asked(plan, settings, url=url, api_key=api_key)
    found = report(
        {arm.value: [each.row for each in answers] for arm, answers in asked.items()},
        provenance={arm.value: _distinct(answers) for arm, answers in asked.items()},
        settings={
            "world": world.value,
            "pairs": pairs,
            "seed": seed,
            "arms": [arm.value for arm in chosen],
            "resamples": resamples,
            "level": LEVEL,
            "bins": BINS,
            "worked_out": sorted(WORKED_OUT),
        },
        count=resamples,
        seed=seed,
    )
    if json is not None:  # before the tables: a terminal that went away must not cost the measurement
        json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    out.print(tables(found))
    if plot is not None:
        from selfref.bench.agreement.plot import draw_reliability

        draw_reliability(found, plot)


def _arms(text: str) -> list[Arm]:
    """The arms named, each once, in the order given."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    unknown = [name for name in names if name not in set(Arm)]
    if unknown:
        raise typer.BadParameter(f"{', '.join(map(repr, unknown))}: known are {', '.join(Arm)}", param_hint="--arms")
    return [Arm(name) for name in names]


def _require_one_judge(**given: object) -> None:
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if len(named) > 1:
        stop(WRONG_USE, f"{' and '.join(named)} are both given", advice="Keep one: each names who judges.")


def _require_places(*, json: Path | None, plot: Path | None) -> None:
    """What would only fail after all has been asked fails here."""
    for file in (json, plot):
        if file is not None and not file.absolute().parent.is_dir():
            stop(WRONG_USE, f"there is no folder {file.absolute().parent}", advice="Make it, or name another file.")
    if plot is not None and importlib.util.find_spec("matplotlib") is None:
        stop(WRONG_USE, "--plot needs matplotlib, which is not installed", advice="pip install 'selfref[plots]'")


def _asked(plan: Plan, settings: StackSettings, *, url: str | None, api_key: str | None) -> dict[Arm, list[Asked]]:
    """Every pair in every arm; ends the command, with what to do, where the service does not stand."""
    if url:
        return run_explained(_ask_there(plan, url, api_key=api_key), url=url)
    return run_explained(on_own_stack(settings, lambda client: _watched(client, plan)), url=None)


async def _ask_there(plan: Plan, url: str, *, api_key: str | None) -> dict[Arm, list[Asked]]:
    async with AsyncClient(url, api_key=api_key) as client:
        return await _watched(client, plan)


async def _watched(client: AsyncClient, plan: Plan) -> dict[Arm, list[Asked]]:
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("judging", total=len(plan.pairs) * len(plan.arms))
        return await ask_all(client, plan.pairs, plan.arms, at_once=plan.at_once, done=lambda: progress.advance(bar))


def _distinct(answers: Sequence[Asked]) -> list[dict[str, Any]]:
    """The different provenances of an arm's judgments: one, unless the engine changed meanwhile."""
    found: dict[str, Provenance] = {
        each.provenance.digest(): each.provenance for each in answers if each.provenance is not None
    }
    return [each.model_dump(mode="json") for each in found.values()]
