"""`python -m trainer snapshot`: labels of the feed as immutable files to train on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.options import ApiKey, Url
from trainer.command import explained
from trainer.service import client_of

if TYPE_CHECKING:
    from trainer.snapshots.manifest import Manifest

EPILOG = (
    "Exit codes: 0 taken, or nothing new behind the snapshots that are there · 2 the command line is wrong, the feed "
    "has too few labels or cannot be read, or a snapshot is damaged"
)


def snapshot(
    data: Annotated[Path, typer.Option(file_okay=False, help="The trainer's folder; snapshots are beneath it.")],
    size: Annotated[int, typer.Option(min=1, help="Labels that one snapshot takes from the feed.")],
    count: Annotated[
        int | None, typer.Option(min=1, help="How many snapshots to take.  [dim]default: all that the feed fills[/dim]")
    ] = None,
    rest: Annotated[bool, typer.Option("--rest", help="Take what is left too, as a last, smaller snapshot.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds in all to wait for labels that are missing.")] = 0.0,
    heldout_share: Annotated[float, typer.Option(min=0, max=1, help="Share of the prompts never to train on.")] = 0.1,
    keep_ties: Annotated[bool, typer.Option("--keep-ties", help="Keep ties, for a loss on soft labels.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Take the next labels of the feed into immutable files to train on, and say what became of them.

    It goes on behind the last snapshot, also after a kill. Inconsistent verdicts, equal answers, labels that were
    taken before and, without --keep-ties, ties are left out and counted.
    """
    from trainer.errors import TrainingError
    from trainer.snapshots.contents import Rules
    from trainer.snapshots.taking import Order, take

    order = Order(size=size, count=count, rest=rest, wait=wait)
    rules = Rules(heldout_share=heldout_share, keep_ties=keep_ties)
    taken = 0
    with explained(), client_of(url, api_key) as client:
        try:
            for each in take(data, client, order, rules):
                typer.echo(told(each.manifest))
                taken += 1
        except OSError as error:
            raise TrainingError(f"{data} could not be read or written: {error}") from error
    if not taken:
        typer.echo("nothing new: the feed does not fill another snapshot", err=True)


def told(manifest: "Manifest") -> str:
    """One line on a snapshot."""
    from trainer.snapshots.chain import name_of

    dropped = ", ".join(f"{number} {reason.value}" for reason, number in manifest.dropped.items() if number)
    kept = f"{name_of(manifest.number)}: {manifest.train.rows} to train on, {manifest.heldout.rows} held out"
    return f"{kept}; dropped: {dropped}" if dropped else kept
