"""`selfref labels`: labels as files for trainers, and room in Redis from labels that have been read."""

from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.exit_codes import EXPORT_EPILOG
from selfref.cli.labels_export import export
from selfref.cli.on_store import on_store
from selfref.cli.options import DataDir, RedisUrl, Shards

if TYPE_CHECKING:
    from selfref.store import Store

app = typer.Typer(no_args_is_help=True, help="Write labels as a file for a trainer; drop labels that have been read.")
app.command(epilog=EXPORT_EPILOG)(export)


@app.callback()
def labels() -> None:
    """Write labels as a file for a trainer; drop labels that have been read, which Redis keeps until then."""


@app.command()
def trim(
    through: Annotated[
        str, typer.Option(metavar="CURSOR", help="Where a trainer is in the feed: its last `Selfref-Cursor`.")
    ],
    tenant: Annotated[str, typer.Option(help="Whose labels; `default` is everybody on a service without keys.")] = (
        "default"
    ),
    redis_url: RedisUrl = None,
    shards: Shards = 1,
    data_dir: DataDir = None,
) -> None:
    """Drop the labels up to and including a cursor, for good: nobody can read them from the service again.

    Every trainer of the tenant must have read them. The judgments themselves stay for their own time.
    """

    async def dropped(store: "Store") -> int:
        return await store.labels.trim(tenant, through=through)

    number = on_store(dropped, redis_url=redis_url, shards=shards, data_dir=data_dir)
    typer.echo(f"{number} {'label' if number == 1 else 'labels'} dropped")
