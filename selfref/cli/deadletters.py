"""`selfref deadletters`: pairs that could not be judged, why, and the way back onto the queue."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from selfref.cli.exit_codes import UNREACHABLE, WRONG_USE
from selfref.cli.options import DataDir, RedisUrl, Shards

if TYPE_CHECKING:
    from selfref.store import Store
    from selfref.store.dead_letters import DeadLetter

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="See pairs that could not be judged, and let them wait again.")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="Most pairs to show.")] = 50,
    after: Annotated[str | None, typer.Option(help="Go on after this entry, the first column.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, without the pairs' texts.")] = False,
    redis_url: RedisUrl = None,
    shards: Shards = 1,
    data_dir: DataDir = None,
) -> None:
    """Show failed pairs, oldest first, with the reason of each. The texts of pairs are not shown."""

    async def read(store: "Store") -> "list[DeadLetter]":
        return await store.dead_letters.list(limit, after)

    letters = _on_store(read, redis_url=redis_url, shards=shards, data_dir=data_dir)
    if as_json:
        for letter in letters:
            typer.echo(json.dumps(_fields(letter)))
        return
    from rich.table import Table

    from selfref.cli.terminal import out, visible

    table = Table(header_style="bold")
    for heading in ("entry", "judgment", "tenant", "failed at", "code", "reason"):
        table.add_column(heading, overflow="fold")
    for letter in letters:
        table.add_row(*(visible(str(value)) for value in list(_fields(letter).values())[:6]))
    out.print(table if letters else "No pair has failed.")


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[JUDGMENT]...", help="Ids of failed judgments.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every failed pair.")] = False,
    redis_url: RedisUrl = None,
    shards: Shards = 1,
    data_dir: DataDir = None,
) -> None:
    """Let failed pairs wait again, their failed attempts forgotten. Pairs that have not failed are left alone."""
    from selfref.cli.terminal import stop

    if bool(ids) == every:
        stop(WRONG_USE, "name the judgments to replay, or give --all", advice="`selfref deadletters list` shows them.")

    async def back(store: "Store") -> int:
        return await store.dead_letters.replay(None if every else ids)

    number = _on_store(back, redis_url=redis_url, shards=shards, data_dir=data_dir)
    typer.echo(f"{number} {'pair waits' if number == 1 else 'pairs wait'} again")


def _fields(letter: "DeadLetter") -> dict[str, str | bool]:
    return {
        "entry": letter.entry_id,
        "judgment": letter.id,
        "tenant": letter.tenant,
        "failed_at": letter.failed_at.isoformat(timespec="seconds"),
        "code": letter.code.value,
        "reason": letter.message,
        "replayable": letter.work is not None,
    }


def _on_store(use: "Callable[[Store], Awaitable[T]]", *, redis_url: str | None, shards: int, data_dir: DataDir) -> T:
    """What `use` gives with the store opened for it; ends the command where Redis is away."""
    from selfref.cli.addresses import redis_url_of
    from selfref.cli.terminal import stop
    from selfref.store import Store, StoreUnavailable

    async def opened() -> T:
        store = await Store.open(redis_url_of(redis_url, data_dir), shards=shards)
        try:
            return await use(store)
        finally:
            await store.aclose()

    try:
        return asyncio.run(opened())
    except StoreUnavailable as error:
        stop(UNREACHABLE, error.detail, advice="Name the service's Redis with --redis-url, or start `selfref up`.")
    except ValueError as error:
        stop(WRONG_USE, str(error), advice="`selfref deadletters --help` shows what to give.")
