"""`selfref keys`: API keys for the service, which itself only ever holds their digests."""

import hashlib
import re
import secrets
from typing import Annotated

import typer

from selfref.cli.exit_codes import WRONG_USE

PREFIX = "selfref_"  # makes a leaked key recognisable to scanners
_TENANT = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # as the service accepts it

app = typer.Typer(no_args_is_help=True, help="Make API keys for the service.")


@app.callback()
def keys() -> None:
    """Make API keys for the service."""


@app.command()
def new(tenant: Annotated[str, typer.Argument(help="Who the key speaks for: letters, digits, `_`, `.`, `-`.")]) -> None:
    """Make a key for TENANT, shown this once, and the line that makes the service know it.

    The key goes to stderr, the line to stdout: `selfref keys new alice >> keys.txt` keeps the secret out of the file.
    """
    from selfref.cli.terminal import err, stop

    if not _TENANT.fullmatch(tenant):
        stop(WRONG_USE, f"{tenant!r} is no tenant name", advice="Use 1 to 64 letters, digits, `_`, `.` or `-`.")
    key = PREFIX + secrets.token_urlsafe(32)
    err.print(f"[bold]API key of {tenant}[/bold], shown only now:\n")
    err.print(key, markup=False, soft_wrap=True)
    err.print(
        "\nGive it to the client as [bold]SELFREF_API_KEY[/bold] (sent as `Authorization: Bearer`). Put the line below "
        "into the file that [bold]SELFREF_SERVICE_API_KEYS_FILE[/bold] names, and start the service again:\n"
    )
    typer.echo(f"{tenant} {hashlib.sha256(key.encode()).hexdigest()}")
