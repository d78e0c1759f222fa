"""The report as tables of text, the most important first; reads only what `report` returned, so that what is printed is
also in the JSON. `view` shows them on a terminal, `page` in Markdown.

Shares are in per cent, with their interval in brackets; differences are in points, and one whose interval leaves out
zero is said to be above or below.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.scoring import FIGURES

DASH = "–"
ABOVE, BELOW = " above", " below"  # what a difference ends in where its interval leaves out zero
_LOSSES = ("brier", "ece")  # the less the better; written as they are, not in per cent
MAIN = (
    "accuracy_mean",
    "accuracy_both",
    "accuracy_net",
    "accuracy_decided",
    "decided",
    "consistency",
    "first_slot_rate",
)
_OTHER_GAPS = ("accuracy_mean", "accuracy_both", "accuracy_decided", "consistency")
_SUBSETS = "subsets"  # of the little world: named first, and by themselves
_SECTIONS = {"families": "family", "principles": "principle", "criteria": "decided by"}

Lines = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: its columns' names, and its lines in sections that belong together."""

    title: str
    header: tuple[str, ...]
    sections: Sequence[Lines]


def sheets(report: Dump, *, in_groups: Sequence[str]) -> list[Sheet]:
    """Every table of the report that has something to say; of each group, the figures named in `in_groups`."""
    found = [_overall(report)]
    if report["published"]:
        found.append(_published(report))
    found.append(_baselines(report))
    if any(each["spent"]["calls"] for each in report["arms"].values()):
        found.append(_calls(report))
    if report["differences"]:
        found += [_differences(report, "accuracy_net"), _other_differences(report)]
    if report["groupings"]:
        found += [_by_group(report, figure) for figure in in_groups]
    if has_probabilities(report):
        found += [_strengths(report), _reliability(report)]
    return found


def has_probabilities(report: Dump) -> bool:
    """Whether any judge said how sure it was."""
    return any(each["ece"] is not None for each in report["arms"].values())


def headline(report: Dump) -> str:
    """What was judged, and by whom."""
    settings = report["settings"]
    source = (
        f"of world {settings['world']}, seed {settings['seed']}" if "world" in settings else f"of {settings['file']}"
    )
    if "recorded" in settings:
        return f"{settings['pairs']} pairs {source}; judges as recorded in {settings['recorded']}"
    return f"{settings['pairs']} pairs {source}; judge: {', '.join(judges(report)) or 'none answered'}"


def judges(report: Dump) -> list[str]:
    """The models that answered: one, unless another was put in its place between two starts of a run."""
    made_by = (each for arm in report["arms"].values() for each in arm["provenance"])
    return sorted({f"{each['model']} {each['revision'] or ''}".strip() for each in made_by})


def warnings(report: Dump) -> list[str]:
    """What a reader has to know before any figure."""
    found = []
    if any(each["failed"] for each in report["arms"].values()):
        found.append("Failed pairs count as wrong in the accuracies, and have no part in consistency, ECE and Brier.")
    if len(judges(report)) > 1:
        found.append("More than one judge answered: name another --out to begin anew with one.")
    return found


def legend(report: Dump) -> str:
    """How to read brackets and names."""
    settings = report["settings"]
    text = f"In brackets: {settings['level']:.0%} of {settings['resamples']} resamples of the pairs."
    for source in dict.fromkeys(each["source"] for each in report["published"]):
        text += f" Published: {source}."
    if "worked_out" in settings:
        text += (
            " worked_out: families whose answer has to be worked out from the question "
            f"({', '.join(settings['worked_out'])}); worked_out_right: those of their pairs in which correctness "
            "decides."
        )
    return text


def _overall(report: Dump) -> Sheet:
    arms = report["arms"]
    shares = [(figure, *(_share(each, figure) for each in arms.values())) for figure in FIGURES]
    counts = [
        ("pairs asked", *(str(each["asked"]) for each in arms.values())),
        *(
            (f"verdict {verdict}", *(str(each["verdicts"].get(verdict, 0)) for each in arms.values()))
            for verdict in ("A", "B", "tie", "inconsistent")
        ),
        ("failed", *(_failures(each) for each in arms.values())),
    ]
    spent = [
        (f"{name} spent".replace("_", " "), *(f"{each['spent'][name]:,}" for each in arms.values()))
        for name in ("calls", "prompt_tokens", "completion_tokens")
    ]
    asked = any(each["spent"]["calls"] for each in arms.values())
    return Sheet("All pairs, %; brier and ece as they are", ("", *arms), [shares, counts, spent if asked else []])


def _published(report: Dump) -> Sheet:
    """Our arms and what others published, under the figures that were published."""
    named = [name for name in FIGURES if any(name in each for each in report["published"])]
    ours = [(arm, *(_share(each, name) for name in named)) for arm, each in report["arms"].items()]
    theirs = [
        (f"{each['judge']}, published", *(_percent(each.get(name)) for name in named)) for each in report["published"]
    ]
    return Sheet("Beside published figures, %", ("judge", *named), [ours, theirs])


def _baselines(report: Dump) -> Sheet:
    found = report["baselines"]
    whole: Lines = [("all", *map(_net, found.values()))]
    groups: Lines = [
        (label, *(_net(each[grouping][name]) for each in found.values())) for grouping, name, label in _groups(report)
    ]
    return Sheet("Judges that read nothing: accuracy_net, %", ("pairs", *found), [whole, groups])


def _calls(report: Dump) -> Sheet:
    baseline = report["baseline"]
    lines: Lines = [
        (arm, _number(each["per_pair"], each["per_pair_interval"], "{:.2f}"))
        + ((_with_interval(each["of_baseline"], each["of_baseline_interval"]),) if baseline else ())
        for arm, each in report["calls"].items()
    ]
    return Sheet(
        "Engine calls, every reference paid for",
        ("arm", "calls per pair", *([f"of {baseline}'s, %"] if baseline else [])),
        [lines],
    )


def _differences(report: Dump, figure: str) -> Sheet:
    arms = report["differences"]
    whole: Lines = [("all", *(_gap(each[figure]) for each in arms.values()))]
    sections: list[Lines] = [
        [
            (label, *(_gap(each[grouping][name][figure]) for each in arms.values()))
            for _, name, label in _groups(report, grouping)
        ]
        for grouping in _groupings(report)
    ]
    return Sheet(f"Arm minus {report['baseline']}, points: {figure}", ("pairs", *arms), [whole, *sections])


def _other_differences(report: Dump) -> Sheet:
    """Further figures, overall and over the little world's subsets."""
    arms = report["differences"]
    sections = []
    for name in ("", *(name for _, name, _ in _groups(report, _SUBSETS))):
        lines = []
        for figure in _OTHER_GAPS:
            places = [each[_SUBSETS][name] if name else each for each in arms.values()]
            lines.append((f"{name or 'all'}, {figure}", *(_gap(place[figure]) for place in places)))
        sections.append(lines)
    return Sheet(f"Arm minus {report['baseline']}, points: further figures", ("pairs, figure", *arms), sections)


def _by_group(report: Dump, figure: str) -> Sheet:
    arms = report["arms"]
    sections = []
    for grouping in _groupings(report):
        lines = []
        for _, name, label in _groups(report, grouping):
            inside = [each[grouping][name] for each in arms.values()]
            lines.append((label, *(_share(each, figure) for each in inside), str(inside[0]["asked"])))
        sections.append(lines)
    return Sheet(f"{figure}, %", ("pairs", *arms, "asked"), sections)


def _strengths(report: Dump) -> Sheet:
    """Of the decided verdicts of each strength, how many are right."""
    arms = report["arms"]
    first = next(iter(arms.values()))["strengths"]
    lines: Lines = [
        (f"{each['low']:g}-{each['high']:g}", *(_bucket(arm["strengths"][place]) for arm in arms.values()))
        for place, each in enumerate(first)
    ]
    return Sheet("Decided verdicts by their strength: how often right, % (pairs)", ("strength", *arms), [lines])


def _reliability(report: Dump) -> Sheet:
    """The reliability diagram in numbers: mean confidence in a bin, how often it was right, and of how many pairs."""
    arms = report["arms"]
    first = next(iter(arms.values()))["reliability"]
    lines: Lines = [
        (
            f"{100 * each['low']:.0f}-{100 * each['high']:.0f}",
            *(_bin(arm["reliability"][place]) for arm in arms.values()),
        )
        for place, each in enumerate(first)
    ]
    return Sheet("Reliability: how sure, how often right, % (pairs)", ("confidence", *arms), [lines])


def _groupings(report: Dump) -> list[str]:
    return sorted(report["groupings"], key=lambda name: name != _SUBSETS)


def _groups(report: Dump, *groupings: str) -> Iterator[tuple[str, str, str]]:
    """Grouping, name and label of every group of these groupings, or of all."""
    first: Mapping[str, Dump] = next(iter(report["arms"].values()))
    for grouping in groupings or _groupings(report):
        for name in first.get(grouping, {}):
            section = _SECTIONS.get(grouping, grouping.removeprefix("meta."))
            yield grouping, name, name if grouping == _SUBSETS else f"{section}: {name}"


def _share(scores: Dump, figure: str) -> str:
    if scores[figure] is not None and figure in _LOSSES:
        low, high = scores["intervals"][figure]
        return f"{scores[figure]:.3f} [{low:.3f},{high:.3f}]"
    return _with_interval(scores[figure], scores["intervals"][figure])


def _number(value: float | None, interval: tuple[float, float] | None, form: str) -> str:
    if value is None or interval is None:
        return DASH
    return f"{form} [{form},{form}]".format(value, *interval)


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None or interval is None:
        return DASH
    return f"{100 * value:.1f} [{100 * interval[0]:.1f},{100 * interval[1]:.1f}]"


def _net(found: Dump) -> str:
    return _with_interval(found["accuracy_net"], found["interval"])


def _percent(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"


def _gap(gap: Dump) -> str:
    if gap["difference"] is None or gap["interval"] is None:
        return DASH
    low, high = gap["interval"]
    text = f"{100 * gap['difference']:+.1f} [{100 * low:+.1f},{100 * high:+.1f}]"
    return text + (ABOVE if low > 0 else BELOW if high < 0 else "")


def _bucket(each: Dump) -> str:
    return f"{_with_interval(each['accuracy'], each['interval'])} ({each['pairs']})" if each["pairs"] else DASH


def _bin(each: Dump) -> str:
    return f"{100 * each['confidence']:.1f} {100 * each['accuracy']:.1f} ({each['pairs']})" if each["pairs"] else DASH


def _failures(scores: Dump) -> str:
    return ", ".join(f"{count} {code}" for code, count in scores["failed"].items()) or "0"
