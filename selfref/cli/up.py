"""`selfref up`: the local stack in the foreground, until Ctrl-C."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.exit_codes import FAILED, OK, WRONG_USE
from selfref.cli.options import DataDir

if TYPE_CHECKING:
    from rich.status import Status

    from selfref.stack.datadir import Running
    from selfref.stack.errors import StackError
    from selfref.stack.parts import StackSettings
    from selfref.stack.supervisor import Stack

API_KEYS = ("SELFREF_SERVICE_API_KEYS", "SELFREF_SERVICE_API_KEYS_FILE")  # the gateway's own variables
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(
    host: Annotated[
        str,
        typer.Option(
            envvar="SELFREF_SERVICE_HOST", help="Address to listen on; beyond this machine it needs API keys."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="SELFREF_SERVICE_PORT", min=0, max=65535, help="Port of the service; 0: any free one.")
    ] = 8080,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    engines: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help="Engine processes with the same model, which workers take in turn. On a CPU two of one thread "
            "judge more pairs than one of two threads.",
        ),
    ] = 1,
    model: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder of a Hugging Face chat model to judge with.  [dim]default: the bundled judge, which knows "
            "only its little world[/dim]",
        ),
    ] = None,
    engine_url: Annotated[
        str | None,
        typer.Option(envvar="SELFREF_ENGINE_URL", help="Judge with this engine (TGI, vLLM, …), not a bundled one."),
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(envvar="SELFREF_REDIS_URL", help="Keep everything in this Redis, not a bundled one.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            envvar="SELFREF_WORKER_CALIBRATION",
            exists=True,
            dir_okay=False,
            help="File of `selfref calibrate`: what the judge's odds are worth.  [dim]default: as they come[/dim]",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Start the whole service on this machine: Redis, engine, gateway and workers. Ctrl-C stops it.

    Data stay in --data-dir: pairs accepted before a stop are judged after the next start.
    """
    from selfref.cli.terminal import stop
    from selfref.loopback import is_loopback
    from selfref.stack.datadir import default_data_dir
    from selfref.stack.errors import StackError
    from selfref.stack.parts import StackSettings

    if model is not None and engine_url is not None:
        stop(WRONG_USE, "--model and --engine-url are both given", advice="Keep one: the engine there has its model.")
    if engines > 1 and engine_url is not None:
        stop(
            WRONG_USE, "--engines and --engine-url are both given", advice="Keep one: no engine is started beside that."
        )
    if engines > workers:
        stop(
            WRONG_USE,
            f"--engines {engines} is more than --workers {workers}",
            advice=f"Give each engine a worker to ask it: --workers {engines}.",
        )
    if not is_loopback(host) and not any(map(os.environ.get, API_KEYS)):  # the gateway would refuse too, but last
        stop(
            WRONG_USE,
            f"refusing to listen on {host} without API keys: anybody who reaches it could use it",
            advice=f"Set {API_KEYS[0]} (`tenant:sha256hex,...`) or {API_KEYS[1]} (`tenant sha256hex` lines; `selfref "
            "keys new TENANT` makes one), or leave --host out.",
        )
    settings = StackSettings(
        data_dir=(data_dir or default_data_dir(os.environ)).expanduser().absolute(),
        host=host,
        port=port,
        workers=workers,
        engines=engines,
        model=model and model.absolute(),
        engine_url=engine_url,
        redis_url=redis_url,
        calibration=calibration and calibration.absolute(),
    )
    try:
        code = asyncio.run(_serve(settings))
    except StackError as error:
        show_failure(error)
        code = FAILED
    raise typer.Exit(code)


def show_failure(error: "StackError") -> None:
    """What failed, the end of its log, and what to do."""
    from rich.panel import Panel

    from selfref.cli.terminal import err, visible
    from selfref.stack.errors import PartFailed

    err.print(visible(f"error: {error}", style="bold red"), soft_wrap=True)
    if isinstance(error, PartFailed) and error.tail:
        err.print(Panel(visible(error.tail), title=f"the end of {error.log}", title_align="left", border_style="red"))
    err.print(visible(f"what to do: {error.advice}"), soft_wrap=True)


async def _serve(settings: "StackSettings") -> int:
    """Start, wait for a signal or a part's end, stop. Raises StackError."""
    from selfref.cli.terminal import err, visible
    from selfref.stack.supervisor import Stack

    with err.status("starting") as status:
        stack = Stack(settings, report=reporter(status))
        stop_asked = stop_on_signals(stack)
        try:
            async with stack.standing() as running:
                status.stop()
                welcome(running, settings)
                failure = await stack.part_failed()
                raise failure
        except asyncio.CancelledError:
            if not stop_asked():
                raise
    err.print(visible(f"stopped; the data are kept in {settings.data_dir}"), soft_wrap=True)
    return OK


def reporter(status: "Status") -> Callable[[str], None]:
    """Progress as a spinner where a person is watching, as lines where it goes to a file."""
    from selfref.cli.terminal import err

    return status.update if err.is_terminal else err.print


def stop_on_signals(stack: "Stack") -> Callable[[], bool]:
    """The first signal cancels the present task, which stops the stack in order; a second one kills its parts.

    Returns a function that says whether a signal came. A signal that the parent process had us ignore (nohup) stays
    ignored.
    """
    task = asyncio.current_task()
    asked = False

    def on_signal() -> None:
        nonlocal asked
        if asked or stack.stopping or task is None:
            stack.kill()
        else:
            task.cancel()
        asked = True

    for number in STOPPING_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return lambda: asked


def welcome(running: "Running", settings: "StackSettings") -> None:
    """Where everything is, which judge it is, and a first thing to try."""
    from rich.panel import Panel
    from rich.text import Text

    from selfref.cli.terminal import out
    from selfref.stack.bundled import BUNDLED_MODEL, BUNDLED_NOTE

    url = running.service_url
    judge = f"{BUNDLED_MODEL} (bundled)" if running.bundled else (running.model or running.engine_url)
    rows = [
        ("service", url),
        ("docs", f"{url}/docs"),
        ("judge", judge),
        ("engines", str(len(running.engine_urls))),
        ("workers", str(settings.workers)),
        ("data", f"{settings.data_dir}  (logs in logs/)"),
    ]
    text = Text("\n".join(f"{name:<9}{value}" for name, value in rows))
    if running.bundled:
        text.append(f"\n\n{BUNDLED_NOTE}")
    out.print(Panel(text, title="Selfref is up", title_align="left", border_style="green"))
    out.print("Try it:  (Ctrl-C stops the service)\n", soft_wrap=True)
    pair = '{"prompt": "What is 17 + 25?", "answer_a": "17 + 25 is 42.", "answer_b": "The answer is 41."}'
    out.print(
        f"  curl {url}/judge -H 'content-type: application/json' \\\n    -d '{pair}'\n", markup=False, soft_wrap=True
    )
