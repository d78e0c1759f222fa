"""The report on a terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.sheets import ABOVE, BELOW, MAIN, Sheet, headline, legend, sheets, warnings


def tables(report: Dump) -> Group:
    """Everything, the most important first."""
    parts: list[RenderableType] = [Text(headline(report)), *(Text(each, style="red") for each in warnings(report))]
    return Group(*parts, *map(_table, sheets(report, in_groups=MAIN)), Text(legend(report)))


def _table(sheet: Sheet) -> Table:
    table = Table(
        title=sheet.title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for place, name in enumerate(sheet.header):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for lines in sheet.sections:
        for line in lines:
            table.add_row(*_cells(line))
        table.add_section()
    return table


def _cells(line: Sequence[str]) -> list[Text]:
    first, *others = line
    return [Text(first), *(Text(each, style=_style(first, each)) for each in others)]


def _style(name: str, text: str) -> str:
    if text.endswith(ABOVE):
        return "green"
    return "red" if text.endswith(BELOW) or (name == "failed" and text != "0") else ""
