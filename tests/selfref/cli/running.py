"""Running the `selfref` command inside the test's own process."""

from typer.testing import CliRunner, Result

from selfref.cli import app


def selfref(*arguments: str, stdin: str | bytes | None = None, **environment: str) -> Result:
    """What `selfref ARGUMENTS` printed and its exit code; an exception that is none of its own is a failed test."""
    found = CliRunner().invoke(app, arguments, input=stdin or "", env=environment)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found
