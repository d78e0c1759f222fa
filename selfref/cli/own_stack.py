"""Commands that need a service while they run: a stack of their own, in a folder that is gone afterwards, or kept."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import typer

from selfref.cli.exit_codes import FAILED, INTERRUPTED, WRONG_USE
from selfref.cli.judge import what_to_do
from selfref.cli.terminal import err, stop
from selfref.cli.up import reporter, show_failure, stop_on_signals
from selfref.client import AsyncClient, SelfrefError
from selfref.stack.errors import StackError
from selfref.stack.parts import StackSettings
from selfref.stack.supervisor import Stack

T = TypeVar("T")


async def on_own_stack(settings: StackSettings, work: Callable[[AsyncClient], Coroutine[Any, Any, T]]) -> T:
    """What `work` returns, given a client of the stack; `settings.data_dir` is replaced by a temporary folder.

    Raises StackError where the stack does not stand, or as soon as a part of it ends; a signal ends the command.
    """
    with tempfile.TemporaryDirectory(prefix="selfref-") as folder:
        return await on_kept_stack(replace(settings, data_dir=Path(folder)), work)


async def on_kept_stack(settings: StackSettings, work: Callable[[AsyncClient], Coroutine[Any, Any, T]]) -> T:
    """The same in `settings.data_dir`, which stays, so that the next start goes on with what was accepted."""
    with err.status("starting") as status:
        stack = Stack(settings, report=reporter(status))
        stop_asked = stop_on_signals(stack)
        try:
            async with stack.standing() as running, AsyncClient(running.service_url) as client:
                status.stop()
                result = await _unless_a_part_fails(stack, work(client))
                status.start()
                return result
        except asyncio.CancelledError:
            if not stop_asked():
                raise
            raise typer.Exit(INTERRUPTED) from None


def run_explained(work: Coroutine[Any, Any, T], *, url: str | None) -> T:
    """The result of `work`; ends the command, with what to do, where the service at `url` or our own is not there."""
    try:
        return asyncio.run(work)
    except StackError as error:
        show_failure(error)
        raise typer.Exit(FAILED) from None
    except SelfrefError as error:
        code, advice = what_to_do(error, url=url or "")
        stop(code, str(error), advice=advice)
    except ValueError as error:
        stop(WRONG_USE, str(error))


async def _unless_a_part_fails(stack: Stack, work: Coroutine[Any, Any, T]) -> T:
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
