"""`selfref labels export`: the label feed as a file for a trainer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from selfref.cli.destination import check_destination, destination
from selfref.cli.exit_codes import FAILED, WRONG_USE
from selfref.cli.options import ApiKey, DataDir, Out, Overwrite, Url

if TYPE_CHECKING:
    from selfref.client import Client
    from selfref.exports import Export
    from selfref.messages import Label

PAGE = 1000  # labels asked for at once; the service gives no more


class FormatName(StrEnum):
    """The formats of `selfref.exports.Format`, which would cost every `--help` the import of pydantic."""

    JSONL = "jsonl"
    TRL = "trl"
    OPENRLHF = "openrlhf"
    PARQUET = "parquet"


def export(
    format_: Annotated[
        FormatName,
        typer.Option(
            "--format",
            help="`jsonl` and `parquet` hold every label; `trl` and `openrlhf` the decided pairs, as both read them.",
        ),
    ],
    out: Out = None,
    overwrite: Overwrite = False,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Go on where an earlier export ended, which printed this.")
    ] = None,
    job: Annotated[str | None, typer.Option(metavar="ID", help="Only labels of this job.")] = None,
    principle: Annotated[str | None, typer.Option(help="Only labels judged by exactly this principle.")] = None,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Write the labels, from the first or from a cursor to the present end of the feed, as a file for a trainer.

    FILE appears under its name only when it is whole. How many labels, and the cursor to go on from, are said on
    standard error.

    [dim]selfref labels export --format trl --out preferences.jsonl[/dim]
    """
    from selfref.cli.addresses import service_url_of

    _check_format(format_, out)
    check_destination(out, overwrite=overwrite)
    tally = Tally(out=out, cursor=after)
    selection = Selection(format_=format_, job=job, principle=principle)
    _export(selection, tally, url=service_url_of(url, data_dir), api_key=api_key)
    tally.say()


@dataclass(frozen=True)
class Selection:
    """Which labels are asked for, and in which format; None is any."""

    format_: FormatName
    job: str | None
    principle: str | None

    def wants(self, label: "Label") -> bool:
        """True for a label of the job and the principle asked for."""
        return self.job in (None, label.job_id) and self.principle in (None, label.principle)


@dataclass
class Tally:
    """What an export has come to, and where it is in the feed."""

    out: Path | None
    cursor: str | None
    written: int = 0
    undecided: Counter[str] = field(default_factory=Counter)  # by verdict: labels that the format has no row for
    unwanted: int = 0  # labels of other jobs or principles
    principles: set[str] = field(default_factory=set)  # two of them at most: enough to know that they are several

    def picked(self, labels: "Sequence[Label]", selection: Selection) -> "list[Label]":
        """The labels that are to be written; all are counted."""
        from selfref.exports import Format

        format_ = Format(selection.format_)
        wanted = [label for label in labels if selection.wants(label)]
        written = [label for label in wanted if format_.holds(label)]
        self.unwanted += len(labels) - len(wanted)
        self.undecided.update(label.verdict.value for label in wanted if not format_.holds(label))
        self.written += len(written)
        for label in written:
            if len(self.principles) < 2:
                self.principles.add(label.principle)
        return written

    def say(self) -> None:
        """The end of a good export, on standard error."""
        from selfref.cli.terminal import err, visible

        left_out = [f"{number} {verdict}" for verdict, number in sorted(self.undecided.items())]
        left_out += [f"{self.unwanted} of other jobs or principles"] if self.unwanted else []
        told = f"{_labels(self.written)} written{f' to {self.out}' if self.out else ''}"
        err.print(visible("; left out: ".join([told, ", ".join(left_out)] if left_out else [told])), soft_wrap=True)
        if len(self.principles) > 1:
            err.print("They were judged by different principles; --principle picks one.", soft_wrap=True)
        if self.cursor is not None:
            err.print(visible(f"The labels that come later: --after {self.cursor}"), soft_wrap=True)


def _check_format(format_: FormatName, out: Path | None) -> None:
    from selfref.cli.terminal import stop

    if out is None and format_ is FormatName.PARQUET:
        stop(WRONG_USE, "parquet is no text for standard output", advice="Name a file with --out.")


def _export(selection: Selection, tally: Tally, *, url: str, api_key: str | None) -> None:
    """Write the file; ends the command with the exit code that fits where that cannot be done."""
    from selfref.cli.judge import what_to_do
    from selfref.cli.terminal import stop
    from selfref.client import Client, SelfrefError
    from selfref.exports import Format, export_as

    try:
        made = export_as(Format(selection.format_))
        client = Client(url, api_key=api_key)
    except (ImportError, ValueError) as error:
        stop(WRONG_USE, str(error))
    try:
        with client, destination(tally.out) as file:
            _copy(client, made, file, selection, tally)
    except SelfrefError as error:
        code, advice = what_to_do(error, url=url)
        stop(code, str(error), advice=f"{advice} {_what_is_kept(tally)}")
    except OSError as error:
        if tally.out is None:
            raise  # typer ends quietly where the reader of standard output has gone
        stop(FAILED, f"{tally.out} could not be written: {error}", advice=_what_is_kept(tally))


def _copy(client: "Client", made: "Export", file: BinaryIO, selection: Selection, tally: Tally) -> None:
    """Labels from the cursor to the end of the feed; the cursor moves on once a page has been written."""
    while True:
        page = client.label_page(tally.cursor, limit=PAGE)
        file.write(made.write(tally.picked(page.labels, selection)))
        file.flush()
        tally.cursor = page.cursor
        if not page.labels:
            break
    file.write(made.close())
    file.flush()


def _what_is_kept(tally: Tally) -> str:
    if tally.out is not None:
        return f"Nothing was written to {tally.out}."
    return f"{_labels(tally.written)} written so far" + (
        f"; go on with --after {tally.cursor}." if tally.cursor else "."
    )


def _labels(number: int) -> str:
    return f"{number} {'label' if number == 1 else 'labels'}"
