"""What every command prints with: results to stdout, everything else to stderr, and no text ever read as markup."""

import re
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def visible(text: str, style: str = "") -> Text:
    """A caller's or a model's text as it may be shown: control characters cannot move the cursor or set colours."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), style=style)


def stop(code: int, message: str, *, advice: str = "") -> NoReturn:
    """Say on stderr what went wrong and what to do, and end with this exit code."""
    err.print(Text.assemble(("error: ", "bold red"), visible(message)), soft_wrap=True)
    if advice:
        err.print(Text.assemble(("  what to do: ", "bold"), visible(advice)), soft_wrap=True)
    raise typer.Exit(code)
