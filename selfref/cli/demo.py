"""`selfref demo`: the whole service at work on built-in pairs, in under a minute."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from selfref.cli.exit_codes import FAILED, INTERRUPTED, WRONG_USE
from selfref.cli.options import ApiKey

if TYPE_CHECKING:
    from selfref.client import AsyncClient
    from selfref.demo.run import Outcome
    from selfref.messages import JudgeRequest, Label
    from selfref.stack.supervisor import Stack

T = TypeVar("T")


def demo(
    url: Annotated[
        str | None,
        typer.Option(help="Show it on this running service.  [dim]default: start one in a temporary folder[/dim]"),
    ] = None,
    api_key: ApiKey = None,
) -> None:
    """Judge a dozen built-in pairs and show what comes of them. Needs nothing; ends by itself."""
    from selfref.cli.judge import what_to_do
    from selfref.cli.terminal import stop
    from selfref.cli.up import show_failure
    from selfref.client import SelfrefError
    from selfref.stack.errors import StackError

    try:
        asyncio.run(_demo_there(url, api_key=api_key) if url else _demo_here())
    except StackError as error:
        show_failure(error)
        raise typer.Exit(FAILED) from None
    except SelfrefError as error:
        code, advice = what_to_do(error, url=url or "")
        stop(code, str(error), advice=advice)
    except ValueError as error:
        stop(WRONG_USE, str(error))


async def _demo_there(url: str, *, api_key: str | None) -> None:
    """On a service that runs already."""
    from selfref.cli import demo_view
    from selfref.client import AsyncClient

    async with AsyncClient(url, api_key=api_key) as client:
        demo_view.print_demo(*await _judged(client))


async def _demo_here() -> None:
    """On a stack of its own, in a folder that is gone afterwards."""
    from selfref.cli import demo_view
    from selfref.cli.terminal import err
    from selfref.cli.up import reporter, stop_on_signals
    from selfref.client import AsyncClient
    from selfref.stack.parts import StackSettings
    from selfref.stack.supervisor import Stack

    with tempfile.TemporaryDirectory(prefix="selfref-demo-") as folder, err.status("starting") as status:
        stack = Stack(StackSettings(data_dir=Path(folder), port=0), report=reporter(status))
        stop_asked = stop_on_signals(stack)
        try:
            async with stack.standing() as running, AsyncClient(running.service_url) as client:
                status.stop()
                demo_view.print_demo(*await _unless_a_part_fails(stack, _judged(client)))
                status.start()
        except asyncio.CancelledError:
            if not stop_asked():
                raise
            raise typer.Exit(INTERRUPTED) from None


async def _judged(client: "AsyncClient") -> "tuple[list[JudgeRequest], list[Outcome], list[Label]]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from selfref.cli.terminal import err
    from selfref.demo import run

    pairs = run.built_in_pairs()
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("judging", total=len(pairs))
        outcomes = await run.judge_all(client, pairs, done=lambda _: progress.advance(bar))
    return pairs, outcomes, await run.labels_of(client, outcomes)


async def _unless_a_part_fails(stack: "Stack", work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; raises PartFailed as soon as a part of the stack ends instead."""
    working, failing = asyncio.create_task(work), asyncio.create_task(stack.part_failed())
    try:
        await asyncio.wait({working, failing}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise failing.result()
    finally:
        working.cancel()
        failing.cancel()
