"""Medians over runs, as a table for people and as JSON with stable keys.

{"benchmark": "engine", "version": 1, "machine": {…}, "settings": {…}, "model": PATH,
 "loads": {"alone": {"callers": 1, "median": {…figures, "cpu_ms_per_judgment_by_process": {…}}, "runs": [{…}, …]},
           "together": {…}}}
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from selfref.bench.engine_speed.figures import FIGURES
from selfref.bench.tabulating import cell, machine, median_known

BY_PROCESS = "cpu_ms_per_judgment_by_process"


def report(runs: Sequence[dict[str, Any]], *, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The whole report, with the machine that it was made on."""
    return {
        "benchmark": "engine",
        "version": 1,
        "machine": machine(),
        "settings": dict(settings),
        "loads": {name: _load([run["loads"][name] for run in runs]) for name in runs[0]["loads"]},
    }


def table(found: Mapping[str, Any]) -> Table:
    """A column for each load, its medians below."""
    shown = Table(title="Speed of the whole stack, medians")
    shown.add_column("")
    loads = found["loads"].values()
    for each in loads:
        shown.add_column(f"{each['callers']} caller{'s' if each['callers'] > 1 else ''}", justify="right")
    for key, name, form in FIGURES:
        shown.add_row(name, *(cell(each["median"][key], form) for each in loads))
    shown.add_row("failed, by reason", *(_failures(each["runs"]) for each in loads))
    for process in next(iter(loads))["median"][BY_PROCESS]:
        shown.add_row(f"  {process}", *(cell(each["median"][BY_PROCESS][process], "{:.1f}") for each in loads))
    return shown


def _load(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    medians = {key: median_known([run[key] for run in runs]) for key, _, _ in FIGURES}
    processes = {name: median_known([run[BY_PROCESS][name] for run in runs]) for name in runs[0][BY_PROCESS]}
    return {"callers": runs[0]["callers"], "median": {**medians, BY_PROCESS: processes}, "runs": list(runs)}


def _failures(runs: Sequence[Mapping[str, Any]]) -> str:
    codes = sorted({code for run in runs for code in run["failures"]})
    return "\n".join(f"{code} {sum(run['failures'].get(code, 0) for run in runs)}" for code in codes) or "-"
