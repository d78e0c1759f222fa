"""The two reports of `selfref rejudge` on a terminal; what they hold is decided in `selfref.rejudging`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from selfref.cli.terminal import visible

Report = Mapping[str, Any]
DASH = "-"


def reparse_lines(report: Report) -> Iterator[Text]:
    """How many judgments are what their readings amount to, and what another scale changes."""
    differing, odds, shift = report["differing"], report["log_odds"], report["shift"]
    yield Text(
        f"{differing['count']} of {report['judgments']} judgments differ from what their readings amount to",
        style="bold red" if differing["count"] else "bold",
    )
    for each in differing["first"]:
        yield visible(f"  {each['custom_id'] or each['id']} ({each['id']}): {', '.join(each['fields'])}")
    yield Text(
        f"{odds['off']['count']} have log-odds that their perplexities contradict: "
        f"{odds['held_against_perplexities']} of {odds['readings']} readings have both, "
        f"at most {odds['largest_gap']:.1e} nats apart",
        style="red" if odds["off"]["count"] else "",
    )
    for each in odds["off"]["first"]:
        yield visible(f"  {each}")
    aside = {
        "lines of pairs without a judgment are kept as they are": report["kept"],
        "further lines of pairs that stand in several": report["further_lines"],
        "judgments without log-probabilities: their votes stand on any scale": report["without_log_probs"],
    }
    for text, count in aside.items():
        if count:
            yield Text(f"{count} {text}")
    if shift["appeared"] or shift["disappeared"] or shift["flipped"] or shift["largest_probability_change"]:
        yield Text(
            f"labels: {shift['labels_before']} before, {shift['labels_after']} now; {shift['appeared']} appear, "
            f"{shift['disappeared']} disappear, {shift['flipped']} flip"
        )
        yield Text(
            f"probability_a of {shift['probabilities']} judgments moves by {shift['mean_probability_change']:.4f} "
            f"in the mean, {shift['largest_probability_change']:.4f} at most"
        )
    for reason, count in report["uncalibrated"].items():
        yield visible(f"{count} lines stay on their own scale: of their judge, {reason}", style="yellow")
    if report["labels_written"]:
        yield Text(f"{report['labels_written']} labels written")


def floor_lines(report: Report) -> Iterator[Text]:
    """What the figures below are: a noise floor, or a comparison of two judges."""
    pairs = report["all"]["pairs"]
    if report["same_judge"]:
        yield Text(f"Noise floor: {pairs} pairs judged twice by the same judge", style="bold")
    else:
        yield Text(f"Another judge: {pairs} pairs; this is no noise floor. It differs in", style="bold red")
        for name, seen in report["differs_in"].items():
            for first, again in seen:
                yield visible(f"  {name}: {first}, now {again}")
    if report["identical"]:
        yield Text(f"{report['identical']} pairs of one text twice are left out: nobody is asked about them")
    if report["not_judged_again"]:
        told = ", ".join(f"{count} {code}" for code, count in report["not_judged_again"].items())
        yield visible(f"not judged again: {told}", style="red")


def floor_table(report: Report) -> Table:
    """A column for all pairs and one for every preset, where there are several."""
    columns = {"all": report["all"]} | (report["presets"] if len(report["presets"]) > 1 else {})
    only = next(iter(report["presets"]), "all")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("")
    for name in columns:
        table.add_column(only if len(columns) == 1 else name, justify="right")
    rows: dict[str, Callable[[Report], str]] = {
        "pairs": lambda each: str(each["pairs"]),
        "verdicts that differ": lambda each: _share(each["verdicts_differ"]),
        "of two labels: A one time, B the other": lambda each: _share(each["flipped"]),
        "a label only one time": lambda each: _share(each["label_in_one_only"]),
        "log-odds apart, mean (nats)": lambda each: _number(each["log_odds"]["mean_difference"]),
        "log-odds apart, most (nats)": lambda each: _number(each["log_odds"]["largest_difference"]),
        "orders that agree, first": lambda each: _percent(each["order_agreement"]["first"]),
        "orders that agree, again": lambda each: _percent(each["order_agreement"]["again"]),
        "critiques all the same text": lambda each: _share(each["same_critiques"]),
        "references the same text": lambda each: _share(each["same_references"]),
    }
    for name, told in rows.items():
        table.add_row(name, *(told(each) for each in columns.values()))
    return table


def verdict_table(verdicts: Mapping[str, Mapping[str, int]], *, title: str) -> Table:
    """Before down, after across."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("")
    for name in verdicts:
        table.add_column(name, justify="right")
    for name, row in verdicts.items():
        table.add_row(name, *(str(count) if count else DASH for count in row.values()))
    return table


def _share(found: Report) -> str:
    if found["share"] is None:
        return DASH
    low, high = found["interval"]
    return f"{found['count']} of {found['of']}: {100 * found['share']:.1f} % [{100 * low:.1f},{100 * high:.1f}]"


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f} %"
