"""The report as a page of Markdown, with its pictures; what stands there stands in the JSON too."""

from collections.abc import Iterator, Mapping, Sequence

from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.scoring import FIGURES
from selfref.bench.agreement.sheets import Sheet, headline, legend, sheets, warnings


def page(report: Dump, *, pictures: Mapping[str, str]) -> str:
    """The whole page; `pictures` are file names beside it by what they show, none where they cannot be drawn."""
    parts = ["# Agreement with known labels", headline(report)]
    parts += [f"**{each}**" for each in warnings(report)]
    parts += [f"![{shown}]({name})" for shown, name in pictures.items()]
    parts += [f"## {sheet.title}\n\n" + "\n".join(_table(sheet)) for sheet in sheets(report, in_groups=FIGURES)]
    return "\n\n".join((*parts, legend(report))) + "\n"


def _table(sheet: Sheet) -> Iterator[str]:
    yield _line(sheet.header)
    yield _line(["---", *["---:"] * (len(sheet.header) - 1)])
    for lines in sheet.sections:
        yield from map(_line, lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;').replace('<', '&lt;') for cell in cells)} |"
