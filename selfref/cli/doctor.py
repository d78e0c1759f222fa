"""`selfref doctor`: is everything there that a judgment needs, and if not, how to mend it."""

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.exit_codes import FAILED
from selfref.cli.options import ApiKey, DataDir, RedisUrl, Url

if TYPE_CHECKING:
    from selfref.cli.checks.finding import Finding


class EngineKind(StrEnum):
    """The dialects that a worker speaks."""

    TGI = "tgi"
    OPENAI = "openai"


def doctor(
    url: Url = None,
    engine_url: Annotated[
        str | None, typer.Option(envvar="SELFREF_ENGINE_URL", help="The engine.  [dim]default: the local stack's[/dim]")
    ] = None,
    engine: Annotated[
        EngineKind, typer.Option(envvar="SELFREF_WORKER_ENGINE", help="What the engine speaks.")
    ] = EngineKind.TGI,
    engine_api_key: Annotated[
        str | None,
        typer.Option(envvar="SELFREF_WORKER_ENGINE_API_KEY", help="The engine's key, where it asks for one."),
    ] = None,
    engine_model: Annotated[
        str | None, typer.Option(envvar="SELFREF_WORKER_MODEL", help="Which of an openai engine's models judges.")
    ] = None,
    redis_url: RedisUrl = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Check the engine, Redis, keeper and service, and say how to mend what is not well.

    Looks at the local stack that `selfref up` runs now, unless told where things are. Changes nothing.
    """
    from selfref.cli.addresses import engine_urls_of, redis_url_of, service_url_of
    from selfref.cli.checks.engine import check_openai, check_tgi
    from selfref.cli.checks.finding import Level
    from selfref.cli.checks.keeper import check_keeper
    from selfref.cli.checks.redis import check_redis
    from selfref.cli.checks.service import check_service

    found: list[Finding] = []
    for each in engine_urls_of(engine_url, data_dir):
        where = each.rstrip("/")
        asked = (
            check_tgi(where, api_key=engine_api_key)
            if engine is EngineKind.TGI
            else check_openai(where, api_key=engine_api_key, model=engine_model)
        )
        found += asyncio.run(asked)
    redis = redis_url_of(redis_url, data_dir)
    found += asyncio.run(check_redis(redis)) + asyncio.run(check_keeper(redis))
    found += check_service(service_url_of(url, data_dir).rstrip("/"), api_key=api_key)
    _print(found)
    raise typer.Exit(FAILED if any(finding.level is Level.FAIL for finding in found) else 0)


def _print(found: "list[Finding]") -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from selfref.cli.terminal import out, visible

    styles = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    widest = max(len(finding.check) for finding in found)
    for finding in found:
        row = Table.grid(padding=(0, 2))
        for width in (4, 7, widest, None):
            row.add_column(width=width, overflow="fold")
        level = Text(finding.level.value, style=styles[finding.level.value])
        row.add_row(level, finding.part, finding.check, visible(finding.seen))
        out.print(row)
        if finding.mend:
            out.print(Padding(visible(f"→ {finding.mend}", style="bold"), (0, 0, 0, 15)))
