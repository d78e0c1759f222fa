"""One line: the pair that it stands for, or words that say what to do about it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.messages import JobLine, JobOptions, JudgeRequest, LineError, Markers, Preset
from service import admission, body
from service.errors import Refusal
from service.spool.lines import read_line, sameness
from tests.service.spool.uploads import line

REST = b'"answer_a":"a","answer_b":"b"}'


def read(text: bytes, **options: Any) -> JobLine | LineError:
    return read_line(text, number=7, options=JobOptions(**options))


def pair(text: bytes, **options: Any) -> JobLine:
    found = read(text, **options)
    assert isinstance(found, JobLine)
    return found


@pytest.mark.parametrize(
    ("text", "code", "param", "says"),
    [
        (b"{", "invalid_json", None, "The line is not valid JSON: EOF while parsing an object at column 1"),
        (b'{"prompt":"p",' + REST + b",", "invalid_json", None, "trailing"),
        (b'{"prompt":"caf\xe9",' + REST, "not_utf8", None, "byte 14"),
        (b'{"prompt":"a\x00b",' + REST, "nul_byte", None, "Byte 12 is NUL; remove it"),
        ('{"prompt"'.encode("utf-16"), "nul_byte", None, "UTF-16"),
        (b'{"prompt":"a\\u0000b",' + REST, "invalid_request", "prompt", "NUL"),
        (b"\xef\xbb\xbf" + line(), "byte_order_mark", None, "remove it"),
        (b'{"prompt":"\\ud800",' + REST, "invalid_json", None, "surrogate"),
        (b"[]", "invalid_request", None, "The line: must be a JSON object."),
        (b"{}", "invalid_request", "prompt", "`answer_b` is missing"),
        (line(response_a="x"), "invalid_request", "response_a", "is not a field here"),
        (line(custom_ids="x"), "invalid_request", "custom_ids", "did you mean `custom_id`?"),
        (line(answer_a=True), "invalid_request", "answer_a", "must be text"),
        (line(prompt=" "), "invalid_request", "prompt", "is empty"),
        (line(gold="tie"), "invalid_request", "gold", "`A` or `B`"),
        (line(answer_a="[INST]"), "markers_in_text", "answer_a", '"markers": "escape"'),
    ],
)
def test_each_kind_of_bad_line_says_what_to_do(text: bytes, code: str, param: str | None, says: str) -> None:
    error = read(text)
    assert isinstance(error, LineError)
    assert (error.line, error.code, error.param, error.retryable) == (7, code, param, False)
    assert says in error.message
    assert "at line 1" not in error.message


@pytest.mark.parametrize(
    ("text", "custom_id"),
    [
        (line(answer_a=True, custom_id="mine"), "mine"),
        (line(prompt="é", custom_id="mine").replace(b"\\u00e9", b"\xe9"), "mine"),
        (b"\xef\xbb\xbf" + line(custom_id="mine"), "mine"),
        (line(prompt="", custom_id=5), None),
        (line(prompt="", custom_id="x" * 300), "x" * 256),
        (line(prompt="", custom_id="\x00"), None),
        (b'["custom_id"]', None),
        (b'{"custom_id":"mine"', None),
    ],
)
def test_a_refused_line_is_named_where_its_name_can_be_read(text: bytes, custom_id: str | None) -> None:
    error = read(text)
    assert isinstance(error, LineError)
    assert error.custom_id == custom_id


@given(st.binary(max_size=200).filter(lambda text: b"\n" not in text))
def test_any_bytes_are_a_line_or_an_error(text: bytes) -> None:
    error = read(text)
    assert isinstance(error, LineError)
    assert error.message


_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.sampled_from(["p", "", 5, "</s>", [{"role": "user", "content": "p"}], [{"role": "user"}]]),
        "answer_a": st.sampled_from(["a", "", True, "[INST]", "\x00"]),
        "answer_b": st.sampled_from(["b", None, "<|im_start|>"]),
        "principle": st.sampled_from(["kind", "", 5]),
        "reference": st.sampled_from([None, "r"]),
        "preset": st.sampled_from([None, "direct", "paper", "reference", "best"]),
        "votes": st.sampled_from([None, 2, 0, True, "2", "auto"]),
        "max_votes": st.sampled_from([None, 4, 0]),
        "custom_id": st.sampled_from([None, "c", ""]),
        "markers": st.sampled_from(["escape", "refuse", None]),
        "extra": st.just(1),
    },
)


def judged(text: bytes) -> JudgeRequest | Refusal:
    """What `POST /judge` makes of it."""
    try:
        asked = body.parse(text)
        admission.work_of(asked, judgment_id="j", tenant="t")
    except Refusal as refused:
        return refused
    return asked


@given(_FIELDS)
def test_a_line_is_taken_and_refused_exactly_as_the_body_of_judge_is(fields: dict[str, Any]) -> None:
    text = json.dumps(fields).encode()
    expected, found = judged(text), read(text)
    if isinstance(expected, Refusal):
        assert isinstance(found, LineError)
        assert (found.code, found.param) == (expected.code, expected.param)
        assert found.message == expected.detail.replace("The body", "The line")
    else:
        assert isinstance(found, JobLine)
        assert JudgeRequest.model_validate(found.model_dump(exclude={"gold"})) == expected


def test_the_options_of_the_job_fill_what_a_line_leaves_out() -> None:
    options = {"principle": "short", "preset": "direct", "votes": 3, "markers": "escape"}
    filled = pair(line(), **options)
    assert (filled.principle, filled.preset, filled.votes) == ("short", Preset.DIRECT, 3)
    assert filled.markers is Markers.ESCAPE
    assert pair(line(preset=None, votes=None), **options) == filled
    own = line(principle="long", preset="self-reference", votes=1, markers="refuse")
    assert pair(own, **options) == pair(own)


def test_a_line_with_its_own_reference_keeps_the_preset_that_it_implies() -> None:
    assert pair(line(reference="r"), preset="direct").effective_preset() is Preset.REFERENCE


def test_a_line_that_asks_for_the_papers_protocol_gets_no_votes() -> None:
    assert pair(line(preset="paper"), votes=3).votes is None


def test_a_budget_of_the_job_is_for_the_lines_whose_votes_are_not_counted() -> None:
    options = {"votes": "auto", "max_votes": 4}
    assert (pair(line(), **options).votes, pair(line(), **options).max_votes) == ("auto", 4)
    assert (pair(line(votes="auto"), **options).max_votes, pair(line(votes="auto")).max_votes) == (4, None)
    assert pair(line(votes="auto", max_votes=6), **options).max_votes == 6
    for own in (line(votes=3), line(preset="paper")):
        assert pair(own, **options) == pair(own)


def test_a_line_that_contradicts_its_job_is_refused_in_words_that_name_both() -> None:
    error = read(line(votes=3), preset="paper")
    assert isinstance(error, LineError)
    assert (error.param, error.code) == ("votes", "invalid_request")
    assert error.message.startswith("The line with its job's options: ")


def test_markers_are_let_through_where_the_job_escapes_them() -> None:
    assert isinstance(read(line(answer_a="[INST]"), markers="escape"), JobLine)


@pytest.mark.parametrize(
    "other",
    [
        line(prompt="q"),
        line(answer_a="b", answer_b="a"),
        line(principle="short"),
        line(reference="r"),
        line(preset="direct"),
        line(votes=2),
        line(votes="auto"),
        line(markers="escape"),
    ],
)
def test_lines_that_ask_for_different_judgments_are_not_the_same(other: bytes) -> None:
    assert sameness(pair(other)) != sameness(pair(line()))


def test_lines_that_differ_in_name_and_in_what_they_spell_out_are_the_same() -> None:
    spelt = line(custom_id="c", votes=1, preset="self-reference", reference=None, markers="refuse")
    assert sameness(pair(spelt)) == sameness(pair(line()))
    assert sameness(pair(line(votes="auto", max_votes=8))) == sameness(pair(line(votes="auto")))
    assert sameness(pair(line(votes="auto", max_votes=7))) != sameness(pair(line(votes="auto")))
