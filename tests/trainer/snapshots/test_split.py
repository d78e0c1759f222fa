"""The split is a property of the prompt: fixed for good, and about as large as asked for."""

import pytest

from selfref.messages import ChatMessage
from trainer.snapshots.split import is_held_out

HELD_OUT = [6, 19, 22, 25, 49, 53]  # worked out with hashlib and json alone


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.1, 70, 130), (0.5, 440, 560), (1.0, 1000, 1000)])
def test_about_the_share_asked_for_is_held_out(share: float, least: int, most: int) -> None:
    assert least <= sum(is_held_out(f"question {number}", share=share) for number in range(1000)) <= most


def test_a_text_and_its_only_turn_are_one_prompt() -> None:
    for number in range(100):
        turns = (ChatMessage(role="user", content=f"question {number}"),)
        assert is_held_out(turns, share=0.5) == is_held_out(f"question {number}", share=0.5)


def test_the_rule_never_changes_under_the_snapshots_that_follow_it() -> None:
    assert [number for number in range(60) if is_held_out(f"question {number}", share=0.1)] == HELD_OUT


def test_a_larger_share_holds_out_the_same_prompts_and_more() -> None:
    prompts = [f"question {number}" for number in range(300)]
    few = {prompt for prompt in prompts if is_held_out(prompt, share=0.1)}
    assert few < {prompt for prompt in prompts if is_held_out(prompt, share=0.3)}
