"""The report as tables; reads only what `report` returned, so that whatever is printed is also in the JSON.

Shares are in per cent, with their interval in brackets; differences are in points, and one whose interval leaves out
zero is said to be above or below.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from selfref.bench.agreement.report import BASELINE, Dump
from selfref.bench.agreement.scoring import FIGURES

_DASH = "–"
_IN_GROUPS = ("accuracy_net", "consistency", "first_slot_rate")  # each a table with a row for every group
_LOSSES = ("brier", "ece")  # the less the better; written as they are, not in per cent
_OTHER_GAPS = ("accuracy_mean", "accuracy_both", "accuracy_decided", "consistency")
_SECTIONS = {
    "families": "family",
    "principles": "principle",
    "criteria": "decided by",
    "subsets": "subset",
}


def tables(report: Dump) -> Group:
    """Everything, the most important first."""
    parts: list[RenderableType] = [Text(_headline(report)), _overall(report)]
    if any(each["failed"] for each in report["arms"].values()):
        parts.append(Text("Failed pairs count as wrong in the accuracies, and have no part in the rest.", style="red"))
    if report["differences"]:
        parts += [_differences(report, "accuracy_net"), _other_differences(report)]
    parts += [_by_group(report, figure) for figure in _IN_GROUPS]
    parts += [_reliability(report), Text(_legend(report))]
    return Group(*parts)


def _headline(report: Dump) -> str:
    settings = report["settings"]
    judges = {f"{each['model']} {each['revision'] or ''}".strip() for each in _provenances(report)}
    return (
        f"{settings['pairs']} pairs of world {settings['world']}, seed {settings['seed']}; judge: "
        f"{', '.join(sorted(judges)) or 'none answered'}"
    )


def _legend(report: Dump) -> str:
    settings = report["settings"]
    return (
        f"In brackets: {settings['level']:.0%} of {settings['resamples']} resamples of the pairs. worked_out: families "
        f"whose answer has to be worked out from the question ({', '.join(settings['worked_out'])}); worked_out_right: "
        "those of their pairs in which correctness decides."
    )


def _overall(report: Dump) -> Table:
    arms = report["arms"]
    table = _table("All pairs, %; brier and ece as they are", "", arms)
    for figure in FIGURES:
        table.add_row(figure, *(_share(each, figure) for each in arms.values()))
    table.add_section()
    table.add_row("pairs asked", *(str(each["asked"]) for each in arms.values()))
    for verdict in ("A", "B", "tie", "inconsistent"):
        table.add_row(f"verdict {verdict}", *(str(each["verdicts"].get(verdict, 0)) for each in arms.values()))
    table.add_row("failed", *(_failures(each) for each in arms.values()))
    return table


def _other_differences(report: Dump) -> Table:
    """Further figures, overall and over the subsets."""
    arms = report["differences"]
    table = _table(f"Arm minus {BASELINE}, points: further figures", "pairs, figure", arms)
    for name in ("", *_names(report, "subsets")):
        for figure in _OTHER_GAPS:
            places = [each["subsets"][name] if name else each for each in arms.values()]
            table.add_row(f"{name or 'all'}, {figure}", *(_gap(place[figure]) for place in places))
        table.add_section()
    return table


def _differences(report: Dump, figure: str) -> Table:
    arms = report["differences"]
    table = _table(f"Arm minus {BASELINE}, points: {figure}", "pairs", arms)
    table.add_row("all", *(_gap(each[figure]) for each in arms.values()))
    for grouping in ("subsets", "families", "principles", "criteria"):
        table.add_section()
        for name in _names(report, grouping):
            table.add_row(_group_name(grouping, name), *(_gap(each[grouping][name][figure]) for each in arms.values()))
    return table


def _by_group(report: Dump, figure: str) -> Table:
    arms = report["arms"]
    table = _table(f"{figure}, %", "pairs", arms)
    table.add_column("asked", justify="right")
    for grouping in ("subsets", "families", "principles", "criteria"):
        table.add_section()
        for name in _names(report, grouping):
            inside = [each[grouping][name] for each in arms.values()]
            table.add_row(
                _group_name(grouping, name), *(_share(each, figure) for each in inside), str(inside[0]["asked"])
            )
    return table


def _reliability(report: Dump) -> Table:
    """The reliability diagram in numbers: mean confidence in a bin, how often it was right, and of how many pairs."""
    arms = report["arms"]
    table = _table("Reliability: how sure, how often right, % (pairs)", "confidence", arms)
    for place in range(len(next(iter(arms.values()))["reliability"])):
        bins = [each["reliability"][place] for each in arms.values()]
        table.add_row(f"{100 * bins[0]['low']:.0f}-{100 * bins[0]['high']:.0f}", *map(_bin, bins))
    return table


def _table(title: str, first: str, arms: Sequence[str] | dict[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for arm in arms:
        table.add_column(arm, justify="right")
    return table


def _names(report: Dump, grouping: str) -> list[str]:
    return list(next(iter(report["arms"].values()))[grouping])


def _group_name(grouping: str, name: str) -> str:
    return name if grouping == "subsets" else f"{_SECTIONS[grouping]}: {name}"


def _provenances(report: Dump) -> Iterator[Dump]:
    for arm in report["arms"].values():
        yield from arm["provenance"]


def _share(scores: Dump, figure: str) -> Text:
    if scores[figure] is None:
        return Text(_DASH)
    low, high = scores["intervals"][figure]
    if figure in _LOSSES:
        return Text(f"{scores[figure]:.3f} [{low:.3f},{high:.3f}]")
    return Text(f"{100 * scores[figure]:.1f} [{100 * low:.1f},{100 * high:.1f}]")


def _gap(gap: Dump) -> Text:
    if gap["difference"] is None or gap["interval"] is None:
        return Text(_DASH)
    low, high = gap["interval"]
    text = f"{100 * gap['difference']:+.1f} [{100 * low:+.1f},{100 * high:+.1f}]"
    if low > 0:
        return Text(f"{text} above", style="green")
    if high < 0:
        return Text(f"{text} below", style="red")
    return Text(f"{text}      ")


def _bin(each: Dump) -> Text:
    if not each["pairs"]:
        return Text(_DASH)
    return Text(f"{100 * each['confidence']:.1f} {100 * each['accuracy']:.1f} ({each['pairs']})")


def _failures(scores: Dump) -> Text:
    if not scores["failed"]:
        return Text("0")
    return Text("\n".join(f"{count} {code}" for code, count in scores["failed"].items()), style="red")
