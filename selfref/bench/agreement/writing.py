"""The files that a report is written to; each is there whole or not at all."""

import importlib.util
from pathlib import Path

import orjson

from selfref.bench.agreement.page import page
from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.sheets import has_probabilities
from selfref.durable import whole_file


def can_draw() -> bool:
    """Whether matplotlib is there (extra `plots`)."""
    return importlib.util.find_spec("matplotlib") is not None


def write_json(report: Dump, file: Path) -> None:
    """The report as it is. Raises OSError."""
    with whole_file(file) as written:
        written.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def write_folder(report: Dump, folder: Path, *, name: str) -> None:
    """NAME.json, and NAME.md with its pictures where they can be drawn. Raises OSError."""
    write_json(report, folder / f"{name}.json")
    pictures = {}
    if can_draw():
        from selfref.bench.agreement.plot import draw_figures, draw_reliability

        pictures["Figures and their intervals"] = f"{name}.figures.png"
        draw_figures(report, folder / f"{name}.figures.png")
        if has_probabilities(report):
            pictures["Reliability"] = f"{name}.reliability.png"
            draw_reliability(report, folder / f"{name}.reliability.png")
    with whole_file(folder / f"{name}.md") as written:
        written.write(page(report, pictures=pictures).encode())
