"""What `selfref demo` ends with: a row per pair, counts that add up, and the labels that a trainer reads."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from selfref.cli.judgment_view import number
from selfref.cli.terminal import out, visible
from selfref.demo.run import Outcome, Twins, counts, twins
from selfref.messages import JudgeRequest, Judgment, Label
from selfref.stack.noise import NOISE_MODEL, NOISE_WARNING

_ENDINGS = ("decided", "tie", "inconsistent", "failed", "canceled")
_WIDEST_TABLE = 110  # characters
_LABELS_SHOWN = 3
_SNIPPET = 46  # characters


def print_demo(pairs: Sequence[JudgeRequest], outcomes: Sequence[Outcome], labels: Sequence[Label]) -> None:
    """Everything, in the order in which it came about."""
    out.print(_pairs_table(pairs, outcomes))
    _print_counts(outcomes)
    for pair in twins(outcomes):
        out.print(_twins_line(pair))
    _print_labels(outcomes, labels)
    models = {outcome.judgment.provenance.model for outcome in outcomes if outcome.judgment is not None}
    if NOISE_MODEL in models:
        out.print(Text(f"\n{NOISE_WARNING}", style="bold red"))
    out.print("\nNext: `selfref up` starts the service, `selfref judge --help` shows how to judge a pair of yours.")


def _pairs_table(pairs: Sequence[JudgeRequest], outcomes: Sequence[Outcome]) -> Table:
    width = min(out.width, _WIDEST_TABLE)
    table = Table(title="Judged pairs", title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, width=width)
    table.add_column("pair", no_wrap=True)
    table.add_column("prompt", no_wrap=True, ratio=1)  # the one that gives way on a narrow terminal
    table.add_column("verdict", no_wrap=True)
    for heading in ("strength", "orders", "calls"):
        table.add_column(heading, justify="right", no_wrap=True)
    for pair, outcome in zip(pairs, outcomes, strict=True):
        prompt = visible(_snippet(pair.conversation()[-1].content))
        if outcome.judgment is None:
            table.add_row(outcome.name, prompt, Text(f"failed: {outcome.failure}", style="red"), "–", "–", "–")
            continue
        judgment = outcome.judgment
        style = "green" if judgment.verdict.decided else "yellow"
        verdict = Text(judgment.verdict.value, style=style)
        calls = str(judgment.usage.calls)
        table.add_row(outcome.name, prompt, verdict, number(judgment.strength), _agreement(judgment), calls)
    return table


def _agreement(judgment: Judgment) -> str:
    """Do the verdicts of both orders agree? A dash where none was asked for."""
    if not judgment.orders:
        return "–"
    return "agree" if len({reading.verdict for reading in judgment.orders}) == 1 else "differ"


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
    return f"“{_snippet(text or '')}”"


def _snippet(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SNIPPET else f"{line[: _SNIPPET - 1]}…"
