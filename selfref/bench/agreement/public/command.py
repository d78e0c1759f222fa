"""`selfref bench fetch`: public sets as files that `selfref bench agreement` reads."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from selfref.bench.agreement.public.catalog import PUBLISHER, PublicSet
from selfref.bench.agreement.public.fetching import NotFetched, fetched
from selfref.cli.exit_codes import FAILED, UNREACHABLE
from selfref.cli.terminal import err, stop


def fetch(
    names: Annotated[
        list[PublicSet] | None, typer.Argument(metavar="[SET]...", help="Which.  [dim]default: all of them[/dim]")
    ] = None,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for their files.")] = Path("sets"),
    mirror: Annotated[str, typer.Option(help="Ask this address in place of GitHub's.")] = PUBLISHER,
) -> None:
    """Fetch public sets of labelled pairs from their publishers, each at a fixed commit: llmbar, pandalm, hhh."""
    for path in fetch_sets(names or list(PublicSet), out, base=mirror):
        typer.echo(path)


def fetch_sets(names: Iterable[PublicSet], folder: Path, *, base: str = PUBLISHER) -> list[Path]:
    """The files of these sets; ends the command, with what to do, where one cannot be had."""
    try:
        return [fetched(name, folder, base=base, warn=_warn) for name in dict.fromkeys(names)]
    except NotFetched as error:
        stop(UNREACHABLE, str(error))
    except OSError as error:
        stop(FAILED, f"{folder} cannot be written: {error}")


def _warn(told: str) -> None:
    err.print(told, style="yellow", soft_wrap=True)
