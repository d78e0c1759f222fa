"""Medians over runs, as a table for people and as JSON with stable keys."""

from statistics import median
from typing import Any

from rich.table import Table

from selfref.bench.overhead import Setting
from selfref.bench.tabulating import cell, machine, median_known

ROWS = (  # key, what it is called, how it is written
    ("pairs_per_second", "pairs/s", "{:.0f}"),
    ("engine_calls_per_second", "engine calls/s", "{:.0f}"),
    ("engine_calls_per_pair", "engine calls per pair", "{:.2f}"),
    ("generate_calls_per_pair", "  of them generating", "{:.2f}"),
    ("cpu_ms_per_call", "CPU-ms per engine call", "{:.3f}"),
    ("cpu_ms_per_call_service", "  service", "{:.3f}"),
    ("cpu_ms_per_call_worker", "  worker", "{:.3f}"),
    ("cpu_ms_per_call_redis", "  Redis", "{:.3f}"),
    ("cpu_ms_per_generate_call", "CPU-ms per generating call", "{:.3f}"),
    ("share_of_ideal", "share of ideal concurrency", "{:.1%}"),
    ("share_of_ideal_with_ends", "  its beginning and end included", "{:.1%}"),
    ("max_in_flight", "most calls in flight", "{:.0f}"),
    ("agreement", "agreement with the honest judge", "{:.1%}"),
    ("judged", "judged", "{:.0f}"),
    ("unanswered", "requests without an ending", "{:.0f}"),
    ("labels_lost", "labels lost", "{:.0f}"),
    ("labels_invented", "labels invented", "{:.0f}"),
    ("bare_calls_per_second", "bare loop: calls/s", "{:.0f}"),
    ("bare_cpu_ms_per_call", "bare loop: CPU-ms per call", "{:.3f}"),
    ("bare_share_of_ideal", "bare loop: share of ideal", "{:.1%}"),
)


def summary(setting: Setting, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One setting's part of the report: the setting, the medians, every run."""
    return {
        "pairs": setting.pairs,
        "concurrency": setting.concurrency,
        "workers": setting.workers,
        "latency_ms": setting.latency_ms,
        "errors_503": setting.faults.errors_503,
        "garbage": setting.faults.garbage,
        "median": {key: median_known([run[key] for run in runs]) for key, _, _ in ROWS},
        "failed": [run["failed"] for run in runs],
        "runs": runs,
    }


def report(settings: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole report, with the machine that it was made on."""
    return {"benchmark": "overhead", "version": 1, "machine": machine(), "settings": settings}


def table(settings: list[dict[str, Any]]) -> Table:
    """A column for each setting, its medians below."""
    found = Table(title="Overhead of the service, medians")
    found.add_column("")
    for each in settings:
        found.add_column(_heading(each), justify="right")
    for key, name, form in ROWS:
        found.add_row(name, *(cell(each["median"][key], form) for each in settings))
    found.add_row("failed, by reason", *(_failures(each["failed"]) for each in settings))
    return found


def _heading(each: dict[str, Any]) -> str:
    faults = f"\n503: {each['errors_503']:.0%}, garbage: {each['garbage']:.0%}"
    shown = faults if each["errors_503"] or each["garbage"] else ""
    workers = f"\n{each['workers']} workers" if each["workers"] > 1 else ""
    return f"engine {each['latency_ms']:g} ms\n{each['concurrency']} in flight{workers}{shown}"


def _failures(runs: list[dict[str, int]]) -> str:
    codes = sorted({code for run in runs for code in run})
    return "\n".join(f"{code} {median([run.get(code, 0) for run in runs]):g}" for code in codes) or "-"
