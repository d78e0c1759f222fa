"""`selfref demo`: the whole service at work on pairs whose better answer is known, in about a minute."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from selfref.cli.options import ApiKey

if TYPE_CHECKING:
    from selfref.client import AsyncClient
    from selfref.demo.outcome import Outcome
    from selfref.demo.pairs import GoldPair
    from selfref.messages import Label

TWINS = 3  # pairs that are judged a second time, with their answers swapped


def demo(
    url: Annotated[
        str | None,
        typer.Option(help="Show it on this running service.  [dim]default: start one in a temporary folder[/dim]"),
    ] = None,
    api_key: ApiKey = None,
    pairs: Annotated[int, typer.Option(min=1, max=10_000, help="How many pairs to judge.")] = 200,
    seed: Annotated[int, typer.Option(help="Draws the pairs; another one gives others.")] = 0,
) -> None:
    """Judge pairs whose better answer is known, and hold the verdicts against it. Needs nothing; ends by itself.

    The pairs come from the little world of short questions that the bundled judge knows; none of them was in its
    training.
    """
    from selfref.cli.own_stack import run_explained
    from selfref.demo.pairs import gold_pairs, with_twins

    asked = with_twins(gold_pairs(pairs, seed=seed), twins=TWINS)
    run_explained(_demo_there(url, asked, api_key=api_key) if url else _demo_here(asked), url=url)


async def _demo_there(url: str, pairs: "list[GoldPair]", *, api_key: str | None) -> None:
    """On a service that runs already."""
    from selfref.client import AsyncClient

    async with AsyncClient(url, api_key=api_key) as client:
        await _show(client, pairs)


async def _demo_here(pairs: "list[GoldPair]") -> None:
    """On a stack of its own."""
    from selfref.cli.own_stack import on_own_stack
    from selfref.stack.parts import StackSettings

    await on_own_stack(StackSettings(data_dir=Path(), port=0), lambda client: _show(client, pairs))


async def _show(client: "AsyncClient", pairs: "list[GoldPair]") -> None:
    from selfref.cli.demo_view import print_demo

    judged = await _judged(client, pairs)
    print_demo(judged.outcomes, judged.labels, seconds=judged.seconds)


class _Judged(NamedTuple):
    outcomes: "list[Outcome]"
    labels: "list[Label]"
    seconds: float  # that judging took


async def _judged(client: "AsyncClient", pairs: "list[GoldPair]") -> _Judged:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from selfref.cli.terminal import err
    from selfref.demo import run

    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    begun = time.monotonic()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("judging", total=len(pairs))
        outcomes = await run.judge_all(client, pairs, done=lambda _: progress.advance(bar))
    seconds = time.monotonic() - begun
    return _Judged(outcomes, await run.labels_of(client, outcomes), seconds)
