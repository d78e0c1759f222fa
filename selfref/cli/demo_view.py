"""What `selfref demo` ends with: verdicts beside gold, how good they are, counts that add up, and the labels."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from selfref.cli.judgment_view import number
from selfref.cli.terminal import out, visible
from selfref.demo.outcome import (
    Outcome,
    Score,
    Twins,
    by_principle,
    counts,
    one_of_each_family,
    score,
    twins,
    without_twins,
)
from selfref.messages import Label
from selfref.stack.bundled import BUNDLED_MODEL, BUNDLED_NOTE

_ENDINGS = ("decided", "tie", "inconsistent", "failed", "canceled")
_WIDEST_TABLE = 120  # characters
_LABELS_SHOWN = 3
_SNIPPET = 46  # characters


def print_demo(outcomes: Sequence[Outcome], labels: Sequence[Label], *, seconds: float) -> None:
    """Everything, in the order in which it came about; `seconds` is what judging took."""
    once = without_twins(outcomes)
    out.print(_pairs_table(one_of_each_family(once)))
    out.print(_scores_table(once))
    _print_counts(outcomes)
    for pair in twins(outcomes):
        out.print(_twins_line(pair))
    _print_labels(outcomes, labels)
    judgments = [outcome.judgment for outcome in outcomes if outcome.judgment is not None]
    out.print(f"{len(judgments)} judgments in {seconds:.1f} s: {len(judgments) / seconds:.1f} a second")
    if BUNDLED_MODEL in {judgment.provenance.model for judgment in judgments}:
        out.print(f"\n{BUNDLED_NOTE}")
    out.print("\nNext: `selfref up` starts the service, `selfref judge --help` shows how to judge a pair of yours.")


def _pairs_table(outcomes: Sequence[Outcome]) -> Table:
    table = _table("Judged pairs, one of each kind", width=min(out.width, _WIDEST_TABLE))
    for heading in ("question", "answer A", "answer B"):  # on a narrow terminal they take more lines
        table.add_column(heading, ratio=1)
    for heading in ("principle", "verdict", "gold"):
        table.add_column(heading, no_wrap=True)
    table.add_column("strength", justify="right", no_wrap=True)
    for outcome in outcomes:
        request, judgment = outcome.pair.request, outcome.judgment
        texts = (request.conversation()[-1].content, request.answer_a, request.answer_b)
        table.add_row(
            *(visible(_one_line(text)) for text in texts),
            request.principle,
            _verdict(outcome),
            outcome.pair.gold.value,
            number(judgment.strength if judgment else None),
        )
    return table


def _verdict(outcome: Outcome) -> Text:
    if outcome.judgment is None:
        return Text(f"failed: {outcome.failure}", style="red")
    verdict = outcome.judgment.verdict
    return Text(verdict.value, style="green" if outcome.right else "red" if verdict.decided else "yellow")


def _scores_table(outcomes: Sequence[Outcome]) -> Table:
    table = _table("Against gold")
    table.add_column("principle")
    for heading in ("pairs", "right", "accuracy", "consistent"):
        table.add_column(heading, justify="right")
    for principle, its in by_principle(outcomes).items():
        table.add_row(principle, *_figures(score(its)))
    table.add_section()
    table.add_row("all", *_figures(score(outcomes)), style="bold")
    return table


def _figures(scored: Score) -> tuple[str, ...]:
    consistent = "–" if scored.consistency is None else f"{scored.consistency:.1%}"
    return str(scored.pairs), str(scored.right), f"{scored.accuracy:.1%}", consistent


def _table(title: str, *, width: int | None = None) -> Table:
    return Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        width=width,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _print_counts(outcomes: Sequence[Outcome]) -> None:
    counted = counts(outcomes)
    summed = " + ".join(f"{counted[ending]} {ending}" for ending in _ENDINGS)
    out.print(f"{len(outcomes)} submitted = {summed}", soft_wrap=True)


def _twins_line(pair: Twins) -> Text:
    strengths = " and ".join(number(strength) for strength in pair.strengths)
    told = f"{pair.name} is {pair.verdict.value}, its swapped twin {pair.swapped.value}, strengths {strengths}"
    if pair.consistent:
        return Text(f"Swapping the answers swaps the verdict: {told}")
    return Text(f"Swapping the answers did NOT swap the verdict: {told}", style="red")


def _print_labels(outcomes: Sequence[Outcome], labels: Sequence[Label]) -> None:
    judged = sum(outcome.judgment is not None for outcome in outcomes)
    preferring = [label for label in labels if label.chosen is not None]
    out.print(
        f"{len(labels)} labels read from the feed for {judged} judgments; {len(preferring)} of them prefer an answer:"
        if preferring
        else f"{len(labels)} labels read from the feed for {judged} judgments; none of them prefers an answer."
    )
    for label in preferring[:_LABELS_SHOWN]:
        texts = (
            f"  {label.custom_id}: chosen {_quoted(label.chosen)}, rejected {_quoted(label.rejected)}, "
            f"margin {number(label.margin)}"
        )
        out.print(visible(texts))
    if len(preferring) > _LABELS_SHOWN:
        out.print("  …")


def _quoted(text: str | None) -> str:
    line = _one_line(text or "")
    return f"“{line}”" if len(line) <= _SNIPPET else f"“{line[: _SNIPPET - 1]}…”"


def _one_line(text: str) -> str:
    return " ".join(text.split())
