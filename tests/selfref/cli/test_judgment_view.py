"""What is shown of numbers and of texts that nobody vouches for."""

import pytest
from rich.console import Console

from selfref.cli.judgment_view import number, odds
from selfref.cli.terminal import visible


@pytest.mark.parametrize(
    ("log_odds", "shown"),
    [(0.0, "1 : 1"), (1.0986123, "3 : 1"), (-1.0986123, "1 : 3"), (None, "–"), (-9e9, "1 : 5.18e+21")],
)
def test_log_odds_as_a_bet(log_odds: float | None, shown: str) -> None:
    assert odds(log_odds) == shown


def test_no_number_is_a_dash() -> None:
    assert (number(None), number(0.126), number(0.126, signed=True)) == ("–", "0.13", "+0.13")


def test_a_text_can_neither_control_the_terminal_nor_be_markup() -> None:
    console = Console(width=200, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(visible("\x1b[31m[bold]red[/bold]\x07\x9b2J\r\nnext\tline"))
    shown = captured.get()
    assert "[bold]red[/bold]" in shown
    assert not {"\x1b", "\x07", "\x9b", "\r"} & set(shown)
    assert "\nnext" in shown
