"""What is shown of numbers, of texts that nobody vouches for, and of a judge that knows little."""

import pytest
from rich.console import Console

from selfref.cli.judgment_view import number, odds, print_judgment
from selfref.cli.terminal import visible
from selfref.stack.bundled import BUNDLED_MODEL
from tests.selfref.client.test_conversations import JUDGED


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


@pytest.mark.parametrize("model", [BUNDLED_MODEL, "meta-llama/Llama-2-13b-chat-hf"])
def test_a_verdict_of_the_bundled_judge_and_no_other_comes_with_its_limits(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_judgment(JUDGED.model_copy(update={"provenance": JUDGED.provenance.model_copy(update={"model": model})}))
    shown = " ".join(capsys.readouterr().out.split())
    assert ("knows only its little world" in shown) is (model == BUNDLED_MODEL)
