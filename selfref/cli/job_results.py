"""A job's results to a file or to standard output."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from selfref.cli.exit_codes import FAILED, WRONG_USE
from selfref.cli.result_format import ResultFormat

if TYPE_CHECKING:
    from selfref.client import Client
    from selfref.client.job_conversations import LineFormat


class Results:
    """The lines of a job in a format; `cursor` moves on once a page has been taken."""

    def __init__(self, client: "Client", job_id: str, format_: ResultFormat, *, after: str | None) -> None:
        self._client = client
        self._job_id = job_id
        self._format = cast("LineFormat", format_.value)
        self.cursor = after
        self.lines = 0

    def so_far(self) -> Iterator[bytes]:
        """What there is now."""
        for page in self._client.jobs.line_pages(self._job_id, self.cursor, format_=self._format):
            yield b"".join(line + b"\n" for line in page.items)
            self.cursor = page.cursor
            self.lines += len(page.items)

    def to_the_end(self) -> Iterator[bytes]:
        """What there is, and what comes, until the job has ended."""
        for _ in self._client.jobs.follow(self._job_id):
            yield from self.so_far()


def write_lines(results: Results, pieces: Iterator[bytes], *, out: Path | None) -> None:
    """Write the lines; how many, and where to go on, is said on standard error, also where they break off."""
    from selfref.cli.terminal import err, visible
    from selfref.client import SelfrefError

    try:
        _write(pieces, out)
    except (SelfrefError, KeyboardInterrupt):
        if out is None:
            err.print(visible(_told(results, out)), soft_wrap=True)
        raise
    err.print(visible(_told(results, out)), soft_wrap=True)


def check_parquet(out: Path | None, *, after: str | None) -> None:
    """End the command where one file of all labels is not what was asked for."""
    from selfref.cli.terminal import stop

    if out is None:
        stop(WRONG_USE, "parquet is no text for standard output", advice="Name a file with --out.")
    if after is not None:
        stop(WRONG_USE, "a parquet file always holds all labels so far", advice="Leave --after out.")


def wait_for_end(client: "Client", job_id: str) -> None:
    """Return once nothing more of the job will come by itself."""
    for _ in client.jobs.follow(job_id):
        pass


def write_parquet(client: "Client", job_id: str, *, out: Path | None) -> None:
    """Write one file of all labels so far."""
    from selfref.cli.terminal import err, visible

    _write(client.jobs.parquet(job_id), out)
    err.print(visible(f"written to {out}"), soft_wrap=True)


def _write(pieces: Iterator[bytes], out: Path | None) -> None:
    from selfref.cli.destination import destination
    from selfref.cli.terminal import stop

    try:
        with destination(out) as file:
            for piece in pieces:
                file.write(piece)
                file.flush()
    except OSError as error:
        if out is None:
            raise  # typer ends quietly where the reader of standard output has gone
        stop(FAILED, f"{out} could not be written: {error}")


def _told(results: Results, out: Path | None) -> str:
    told = f"{results.lines} {'line' if results.lines == 1 else 'lines'} written{f' to {out}' if out else ''}"
    return told if results.cursor is None else f"{told}; what comes later: --after {results.cursor}"
