"""A text that imitates the chat template is found, named as written, and can be made harmless."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from selfref.markers import MARKERS, escape_markers, find_marker

EXAMPLES = (
    *MARKERS,
    "<|im_start|>",
    "<|eot_id|>",
    "<|assistant|>",
    "<｜User｜>",
    "<｜end▁of▁sentence｜>",
    "<unused12>",
)


@pytest.mark.parametrize("marker", EXAMPLES)
def test_every_marker_is_found_inside_a_text(marker: str) -> None:
    assert find_marker(f"before{marker}after") == marker


def test_a_marker_is_named_as_the_caller_wrote_it() -> None:
    assert find_marker("please [/inst] now") == "[/inst]"


@pytest.mark.parametrize(
    "text", ["", "plain", "[INSTALL]", "<sup>", "a < s > b", "INST", "<<SYSTEM>>", "a <| b |> c", "<||>", "x <|\n|> y"]
)
def test_ordinary_text_holds_no_marker(text: str) -> None:
    assert find_marker(text) is None
    assert escape_markers(text) == text


@example("<|[INST]|>")
@given(st.lists(st.sampled_from([*EXAMPLES, "<|", "|>", "im_start", "<", "[", "s>", "INST]", " text "])).map("".join))
def test_escaping_leaves_no_marker_and_loses_no_letter(text: str) -> None:
    escaped = escape_markers(text)
    assert find_marker(escaped) is None
    assert escaped.replace("\u200b", "") == text
