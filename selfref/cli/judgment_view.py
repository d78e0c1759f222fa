"""A judgment as a person reads it."""

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from selfref.cli.terminal import out, visible
from selfref.messages import Judgment, OrderReading, Reference, Verdict
from selfref.stack.bundled import BUNDLED_MODEL, BUNDLED_NOTE

_HEADLINES = {
    Verdict.A: ("Answer A is better", "green"),
    Verdict.B: ("Answer B is better", "green"),
    Verdict.TIE: ("A tie", "yellow"),
    Verdict.INCONSISTENT: ("Inconsistent: the two orders contradict each other", "yellow"),
}


def print_judgment(judgment: Judgment) -> None:
    """Verdict and strength first, then both orders, then the texts they rest on."""
    headline, colour = _HEADLINES[judgment.verdict]
    out.print(Panel(Group(*_summary(judgment)), title=Text(headline, style=f"bold {colour}"), title_align="left"))
    if judgment.reference is not None:
        out.print(_reference_panel(judgment.reference))
    for number, reading in enumerate(judgment.orders, start=1):
        out.print(_critique_panel(reading, number=number))
    out.print(visible(_footer(judgment), style="dim"), soft_wrap=True)
    if judgment.provenance.model == BUNDLED_MODEL:
        out.print(BUNDLED_NOTE)


def number(value: float | None, *, signed: bool = False) -> str:
    """Two decimals, or a dash where an engine without log-probabilities gives none."""
    if value is None:
        return "–"
    return f"{value:+.2f}" if signed else f"{value:.2f}"


def _summary(judgment: Judgment) -> list[Text | Table]:
    calibration = judgment.provenance.calibration
    scale = f"calibration {calibration}" if calibration else "not calibrated"
    lines: list[Text | Table] = [
        Text.assemble("principle    ", visible(judgment.principle, style="italic")),
        Text(
            f"strength     {number(judgment.strength)}   of 1, {scale};  P(A better) {number(judgment.probability_a)}"
        ),
        Text(f"log-odds     {number(judgment.log_odds, signed=True)} nats for A, mean of both orders"),
        Text(f"position     {number(judgment.position_bias, signed=True)} nats towards the answer shown first"),
        Text(f"votes        A {judgment.votes.a}, B {judgment.votes.b}, tie {judgment.votes.tie}"),
    ]
    if judgment.flags:
        lines.append(visible(f"flags        {', '.join(judgment.flags)}"))
    if judgment.orders:
        lines += [Text(), _orders_table(judgment)]
    return lines


def _orders_table(judgment: Judgment) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("shown first", "verdict", "odds A : B", "log-odds", "semantic perplexity A / B"):
        table.add_column(heading)
    for reading in judgment.orders:
        perplexity = reading.semantic_perplexity
        table.add_row(
            reading.first,
            reading.verdict,
            odds(reading.log_odds_a),
            number(reading.log_odds_a, signed=True),
            f"{perplexity.a:.4g} / {perplexity.b:.4g}" if perplexity else "–",
        )
    return table


def odds(log_odds: float | None) -> str:
    """Log-odds as a bet on A: `3.0 : 1`, or `1 : 3.0` where B is the favourite."""
    if log_odds is None:
        return "–"
    ratio = 2.718281828459045 ** min(abs(log_odds), 50.0)
    return f"{ratio:.3g} : 1" if log_odds >= 0 else f"1 : {ratio:.3g}"


def _reference_panel(reference: Reference) -> Panel:
    source = "the judge's own answer" if reference.source == "model" else "given by the caller"
    title = f"Reference ({source}{', from the cache' if reference.cached else ''})"
    return Panel(visible(reference.text), title=title, title_align="left", border_style="dim")


def _critique_panel(reading: OrderReading, *, number: int) -> Panel:
    second = "B" if reading.first == "A" else "A"
    title = f"Critique {number}: Response A is answer {reading.first}, Response B is answer {second}"
    return Panel(visible(reading.critique), title=title, title_align="left", border_style="dim")


def _footer(judgment: Judgment) -> str:
    usage, provenance = judgment.usage, judgment.provenance
    seconds = (judgment.finished_at - judgment.created_at).total_seconds()
    return (
        f"{judgment.id} · {provenance.model} · {judgment.preset.value} · {usage.calls} engine calls, "
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens · {seconds:.1f} s"
    )
