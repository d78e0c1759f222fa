"""`selfref rejudge --reparse`: every judgment held against its own readings, and decided again on another scale."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
import typer

from selfref.cli.destination import wanted_file
from selfref.cli.exit_codes import FAILED, WRONG_USE
from selfref.cli.rejudge_source import Source, warn_unnamed
from selfref.cli.terminal import err, stop
from selfref.cli.terminal import out as terminal
from selfref.deciding import Unmatched, decided_again
from selfref.durable import whole_file
from selfref.exports import Export, Format, export_as
from selfref.messages import Judgment, Label
from selfref.rejudging.pairs import Pairs, pairs_at
from selfref.rejudging.reparse import Reparse, Rescale
from selfref.rejudging.results import Result


@dataclass(frozen=True, slots=True)
class Wanted:
    """The files to write."""

    out: Path | None
    labels: Path | None
    format_: str


def reparse_results(source: Source, rescale: Rescale, wanted: Wanted, *, pairs: Path | None, as_json: bool) -> None:
    """Read, check, decide, write and report; ends the command with 1 where a judgment is not what its readings say."""
    found = Reparse()
    try:
        with source.results() as results, _texts(pairs) as texts, ExitStack() as files:
            new = files.enter_context(wanted_file(wanted.out))
            labels = _Labels(files.enter_context(whole_file(wanted.labels)), wanted.format_) if wanted.labels else None
            for result in results:
                line, label = _again(result, rescale, texts, found)
                if new is not None:
                    new.write(line)
                if labels is not None and label is not None:
                    found.labels += labels.add(label)
            if labels is not None:
                labels.close()
            _check_calibrated(found)
    except ImportError as error:
        stop(WRONG_USE, str(error))
    except OSError as error:
        stop(FAILED, f"the files could not be read or written: {error}", advice="Nothing was written.")
    _say(found, rescale, wanted, texts=texts, as_json=as_json)
    if not found.sound:
        raise typer.Exit(FAILED)


def _again(result: Result, rescale: Rescale, texts: Pairs | None, found: Reparse) -> tuple[bytes, Label | None]:
    """The line to write, and the label of its pair, which is told in the pair's first line."""
    judgment = result.judgment
    if judgment is None:
        found.kept += 1
        return orjson.dumps(result.content, option=orjson.OPT_APPEND_NEWLINE), None
    again = _decided(judgment, rescale, found)
    comparison = None if texts is None else texts.line(result).comparison
    if result.duplicate_of is not None:
        found.further_lines += 1
        return result.told(again), None
    found.add(judgment, again)
    return result.told(again), None if comparison is None else Label.of(comparison, again)


def _decided(judgment: Judgment, rescale: Rescale, found: Reparse) -> Judgment:
    scale = rescale.scale(judgment)
    if isinstance(scale, Unmatched):
        found.unmatched[scale.reason] += 1
        return judgment
    return judgment if scale is None else decided_again(judgment, scale=scale)


def _check_calibrated(found: Reparse) -> None:
    """End the command where a calibration is for none of the judgments."""
    if found.unmatched and found.unmatched.total() == found.judgments + found.further_lines:
        reasons = "; ".join(found.unmatched)
        stop(WRONG_USE, f"the calibration is for none of these judgments: {reasons}", advice="Nothing was written.")


class _Labels:
    """The file of labels in the making."""

    def __init__(self, file: BinaryIO, format_: str) -> None:
        self._file = file
        self._format = Format(format_)
        self._export: Export = export_as(self._format)

    def add(self, label: Label) -> bool:
        """Whether the format has a row for it."""
        self._file.write(self._export.write([label]))
        return self._format.holds(label)

    def close(self) -> None:
        """The rest of the file."""
        self._file.write(self._export.close())


@contextmanager
def _texts(path: Path | None) -> Iterator[Pairs | None]:
    if path is None:
        yield None
        return
    with pairs_at(path) as pairs:
        yield pairs


def _say(found: Reparse, rescale: Rescale, wanted: Wanted, *, texts: Pairs | None, as_json: bool) -> None:
    from selfref.cli.rejudge_view import reparse_lines, verdict_table

    report = found.report()
    if as_json:
        typer.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in reparse_lines(report):
            terminal.print(line, soft_wrap=True)
        if rescale.asked:
            terminal.print(verdict_table(report["shift"]["verdicts"], title="Verdicts before, and on the new scale"))
    for path in (wanted.out, wanted.labels):
        if path is not None:
            err.print(f"written to {path}", style="dim", soft_wrap=True)
    warn_unnamed(texts)
