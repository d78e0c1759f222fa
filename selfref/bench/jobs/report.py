"""Medians over runs, as a table for each part and as JSON with stable keys.

{"benchmark": "jobs", "version": 1, "machine": {…}, "settings": {…},
 "parts": {"upload": {"cases": [{"case": HEADING, "median": {…}, "runs": [{…}, …]}, …]}, …}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from selfref.bench.jobs import fairness, memory, queue_cost, recovery, uploading
from selfref.bench.jobs.plan import Case, Figures, Measurement, Part, Plan
from selfref.bench.tabulating import cell, machine, median_known

MEASUREMENTS: Mapping[Part, Measurement] = {
    Part.UPLOAD: uploading.MEASUREMENT,
    Part.MEMORY: memory.MEASUREMENT,
    Part.QUEUE: queue_cost.MEASUREMENT,
    Part.RECOVERY: recovery.MEASUREMENT,
    Part.FAIRNESS: fairness.MEASUREMENT,
}


def summary(part: Part, cases: Sequence[Case], runs: Sequence[Sequence[Figures]]) -> dict[str, Any]:
    """One part of the report; `runs` holds the runs of each case."""
    keys = [key for key, _, _ in MEASUREMENTS[part].figures]
    return {
        "cases": [
            {
                "case": case.heading.replace("\n", ", "),
                "median": {key: median_known([run.get(key) for run in each]) for key in keys},
                "runs": list(each),
            }
            for case, each in zip(cases, runs, strict=True)
        ]
    }


def report(parts: Mapping[Part, dict[str, Any]], *, plan: Plan, runs: int) -> dict[str, Any]:
    """The whole report, with the machine that it was made on."""
    return {
        "benchmark": "jobs",
        "version": 1,
        "machine": machine(),
        "settings": {**asdict(plan), "runs": runs},
        "parts": {part.value: found for part, found in parts.items()},
    }


def table(part: Part, found: Mapping[str, Any]) -> Table:
    """A column for each case, its medians below."""
    measurement = MEASUREMENTS[part]
    shown = Table(title=measurement.title)
    shown.add_column("")
    for each in found["cases"]:
        shown.add_column(each["case"].replace(", ", "\n"), justify="right")
    for key, name, form in measurement.figures:
        shown.add_row(name, *(cell(each["median"][key], form) for each in found["cases"]))
    return shown
