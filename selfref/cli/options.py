"""Options that several commands share, so that they are named and described once."""

from pathlib import Path
from typing import Annotated, Any

import typer

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="SELFREF_URL",
        help="Where the service listens.  [dim]default: the running local stack's, else port 8080 here[/dim]",
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", envvar="SELFREF_API_KEY", help="Your API key, where the service asks for one."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="SELFREF_DATA_DIR",
        file_okay=False,
        help="Folder of the local stack's data.  [dim]default: ~/.local/share/selfref[/dim]",
    ),
]


def _counted_or_auto(text: str) -> int | str:
    """A number where it is one; what else it may be, the message it becomes part of decides."""
    return int(text) if text.isascii() and text.isdigit() else text


Votes = Annotated[
    Any,
    typer.Option(
        "--votes",
        metavar="N|auto",
        parser=_counted_or_auto,
        help="Sampled critiques per order, 1 to 16; `auto`: as many as it takes.  [dim]default: a greedy one[/dim]",
    ),
]
MaxVotes = Annotated[
    int | None,
    typer.Option("--max-votes", help="Most critiques per order with --votes auto.  [dim]default: 8[/dim]"),
]
AskedUrl = Annotated[
    str | None, typer.Option("--url", help="Ask this running service.  [dim]default: a stack is started[/dim]")
]
JudgeModel = Annotated[
    Path | None,
    typer.Option(
        "--model",
        exists=True,
        file_okay=False,
        help="Folder of the chat model that judges.  [dim]default: that of `selfref up`[/dim]",
    ),
]
EngineUrl = Annotated[str | None, typer.Option("--engine-url", help="Judge with this engine, not a bundled one.")]
AtOnce = Annotated[int, typer.Option("--concurrency", min=1, max=256, help="Judgments waited for at a time.")]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis-url", envvar="SELFREF_REDIS_URL", help="Redis to use.  [dim]default: the running local stack's[/dim]"
    ),
]
Shards = Annotated[int, typer.Option("--shards", envvar="SELFREF_SHARDS", min=1, help="As the service has it.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", dir_okay=False, help="File to write.  [dim]default: standard output[/dim]"),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it exists.")]

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
