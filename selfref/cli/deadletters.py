"""`selfref deadletters`: pairs that could not be judged, why, and the way back onto the queue."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.exit_codes import WRONG_USE
from selfref.cli.on_store import on_store
from selfref.cli.options import DataDir, RedisUrl, Shards

if TYPE_CHECKING:
    from selfref.store import Store
    from selfref.store.dead_letters import DeadLetter

app = typer.Typer(no_args_is_help=True, help="See pairs that could not be judged, and let them wait again.")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="Most pairs to show.")] = 50,
    after: Annotated[str | None, typer.Option(help="Go on after this entry, the first word of each.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, without the pairs' texts.")] = False,
    redis_url: RedisUrl = None,
    shards: Shards = 1,
    data_dir: DataDir = None,
) -> None:
    """Show failed pairs, oldest first, with the reason of each. The texts of pairs are not shown."""

    async def read(store: "Store") -> "list[DeadLetter]":
        return await store.dead_letters.list(limit, after)

    letters = on_store(read, redis_url=redis_url, shards=shards, data_dir=data_dir)
    if as_json:
        for letter in letters:
            typer.echo(json.dumps(_fields(letter)))
        return
    from rich.padding import Padding

    from selfref.cli.terminal import out, visible

    for letter in letters:  # no table: in a narrow one the ids would be broken, and could not be copied
        out.print(visible(f"{letter.entry_id}  {letter.id}", style="bold"), soft_wrap=True)
        out.print(Padding(visible(_told(letter)), (0, 0, 0, 2)))
    if not letters:
        out.print("No pair has failed.")


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

    number = on_store(back, redis_url=redis_url, shards=shards, data_dir=data_dir)
    typer.echo(f"{number} {'pair waits' if number == 1 else 'pairs wait'} again")


def _told(letter: "DeadLetter") -> str:
    failed_at = letter.failed_at.isoformat(timespec="seconds")
    return f"{letter.tenant}, {failed_at}, {letter.code.value}: {letter.message}"


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
