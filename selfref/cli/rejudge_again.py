"""`selfref rejudge` without --reparse: the same pairs as a new job, and how far the judge is from itself."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import orjson
import typer

from selfref.cli.destination import wanted_file
from selfref.cli.exit_codes import FAILED, NOT_JUDGED, WRONG_USE
from selfref.cli.rejudge_source import Source, warn_unnamed
from selfref.cli.terminal import err, stop
from selfref.cli.terminal import out as terminal
from selfref.rejudging.asking import line_again, write_upload
from selfref.rejudging.floor import Floor, Heard, SameJudgment
from selfref.rejudging.pairs import Pairs, pairs_at

if TYPE_CHECKING:
    from selfref.client import Client
    from selfref.messages import Job


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair that is asked about again: its line in the first upload, and its first judgment."""

    line: int
    heard: Heard


@dataclass
class Again:
    """The second job and what it came to."""

    job: "Job"
    floor: Floor = field(default_factory=Floor)
    unjudged: Counter[str] = field(default_factory=Counter)  # by code: pairs that were judged the first time only

    def report(self) -> dict[str, Any]:
        """As JSON."""
        return {"job": self.job.id, "not_judged_again": dict(self.unjudged)} | self.floor.report()


def judge_again(source: Source, pairs: Path, *, repeat: int, out: Path | None, as_json: bool) -> None:
    """Ask, wait, compare and report; ends the command with 1 where it was another judge, with 3 where pairs failed."""
    try:
        with tempfile.TemporaryFile(prefix="selfref-rejudge-") as file, pairs_at(pairs) as texts:
            upload = cast("BinaryIO", file)
            asked: list[Asked] = []
            key = write_upload(upload, _lines(source, texts, asked), repeat=repeat)
            if not asked:
                stop(WRONG_USE, "there is no judgment to make again", advice="Give results in which pairs were judged.")
            upload.seek(0)
            with source.service() as client:
                found = _judged(client, upload, key, asked, out=out)
    except OSError as error:
        stop(FAILED, f"the files could not be read or written: {error}")
    except SameJudgment as error:
        stop(FAILED, f"the service answered with the first judgments: {error}", advice="Ask under another --repeat.")
    _say(found, out=out, as_json=as_json)
    warn_unnamed(texts)
    if found.floor.differs_in:
        raise typer.Exit(FAILED)
    if found.unjudged:
        raise typer.Exit(NOT_JUDGED)


def _lines(source: Source, texts: Pairs, asked: list[Asked]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is to be sent, each with the id of its first judgment; a pair that stands in several lines is asked once."""
    with source.results() as results:
        for result in results:
            if result.judgment is None or result.duplicate_of is not None:
                continue
            line = texts.line(result)
            asked.append(Asked(line.number, Heard.of(result.judgment)))
            yield result.judgment.id, line_again(line.content, result.judgment)


def _judged(client: "Client", upload: BinaryIO, key: str, asked: list[Asked], *, out: Path | None) -> Again:
    """The new job at its end, its judgments compared with the first and written under the first upload's lines."""
    from selfref.cli.job_progress import show_as_it_goes

    job = client.jobs.submit(iter(lambda: upload.read(1 << 20), b""), idempotency_key=key, max_refused=1.0)
    err.print(f"judging again as {job.id}; the same command goes on with it", style="dim", soft_wrap=True)
    found = Again(show_as_it_goes(client.jobs.follow(job.id), err))
    with wanted_file(out) as file:
        for result in client.jobs.results(job.id):
            first = asked[result.line - 1]
            found.floor.add(first.heard, result)
            if file is not None:
                told = {"line": first.line} | result.model_dump(mode="json") | {"line": first.line}
                file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
    found.unjudged.update(error.code for error in client.jobs.errors(job.id))
    canceled = found.job.counts.canceled
    if canceled:
        found.unjudged["canceled"] += canceled
    return found


def _say(found: Again, *, out: Path | None, as_json: bool) -> None:
    from selfref.cli.rejudge_view import floor_lines, floor_table, verdict_table

    report = found.report()
    if as_json:
        typer.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in floor_lines(report):
            terminal.print(line, soft_wrap=True)
        terminal.print(floor_table(report))
        terminal.print(verdict_table(report["all"]["verdicts"], title="Verdicts first, and again"))
    if out is not None:
        err.print(f"written to {out}", style="dim", soft_wrap=True)
