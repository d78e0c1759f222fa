"""A job's results to a file or to standard output."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

from selfref.cli.exit_codes import FAILED, WRONG_USE
from selfref.cli.result_format import ResultFormat

if TYPE_CHECKING:
    from selfref.client import Client
    from selfref.client.job_conversations import LineFormat


def write_results(client: "Client", job_id: str, format_: ResultFormat, *, out: Path | None, after: str | None) -> None:
    """Write what there is now; how much, and where to go on, is said on standard error."""
    from selfref.cli.terminal import err, stop, visible
    from selfref.cli.whole_file import whole_file

    if format_ is ResultFormat.PARQUET and (out is None or after is not None):
        advice = "It is one file of all labels so far: name it with --out, and leave --after away."
        stop(WRONG_USE, "parquet is neither text for standard output nor a part of a list", advice=advice)
    progress = Progress()
    try:
        with nullcontext(sys.stdout.buffer) if out is None else whole_file(out) as file:
            for piece in progress.pieces(client, job_id, format_, after=after):
                file.write(piece)
            file.flush()
    except OSError as error:
        if out is None:
            raise  # typer ends quietly where the reader of standard output has gone
        stop(FAILED, f"{out} could not be written: {error}")
    err.print(visible(progress.told(out)), soft_wrap=True)


class Progress:
    """What was read so far."""

    def __init__(self) -> None:
        self._lines = 0
        self._cursor: str | None = None

    def pieces(self, client: "Client", job_id: str, format_: ResultFormat, *, after: str | None) -> Iterator[bytes]:
        """The bytes to write, one after the other."""
        if format_ is ResultFormat.PARQUET:
            yield from client.jobs.parquet(job_id)
            return
        name = cast("LineFormat", format_.value)
        for page in client.jobs.line_pages(job_id, after, format_=name):
            self._lines += len(page.items)
            self._cursor = page.cursor
            yield b"".join(line + b"\n" for line in page.items)

    def told(self, out: Path | None) -> str:
        """How it went."""
        if self._cursor is None:
            return f"written to {out}"
        where = f" to {out}" if out else ""
        return f"{self._lines} lines written{where}; what comes later: --after {self._cursor}"
