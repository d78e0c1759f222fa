"""From bytes to a request, or to words that a caller can act on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.messages import JudgeRequest
from service.body import parse
from service.errors import Refusal

REST = b'"answer_a":"a","answer_b":"b"}'


@pytest.mark.parametrize(
    ("body", "status", "code", "param", "says"),
    [
        (b"", 400, "invalid_json", None, "not valid JSON"),
        (b"{", 400, "invalid_json", None, "not valid JSON"),
        (b'{"prompt":"p",' + REST + b"x", 400, "invalid_json", None, "trailing"),
        (b'\xef\xbb\xbf{"prompt":"p",' + REST, 400, "invalid_json", None, "not valid JSON"),
        (b'{"prompt":"caf\xe9",' + REST, 400, "not_utf8", None, "byte 14"),
        (b'{"prompt":"\xed\xa0\x80",' + REST, 400, "not_utf8", None, "UTF-8"),
        (b'{"prompt":"\\ud800",' + REST, 400, "invalid_json", None, "surrogate"),
        (b"[" * 100_000, 400, "invalid_json", None, "recursion"),
        (b'{"prompt":"p","votes":' + b"9" * 5000 + b"," + REST, 400, "invalid_json", None, "out of range"),
        (b"null", 422, "invalid_request", None, "must be a JSON object"),
        (b"[]", 422, "invalid_request", None, "must be a JSON object"),
        (b'"text"', 422, "invalid_request", None, "must be a JSON object"),
        (b"{}", 422, "invalid_request", "prompt", "is missing"),
        (b'{"prompt":"",' + REST, 422, "invalid_request", "prompt", "is empty"),
        (b'{"prompt":" \\n",' + REST, 422, "invalid_request", "prompt", "is empty"),
        (b'{"prompt":null,' + REST, 422, "invalid_request", "prompt", "text or a list of chat messages"),
        (b'{"prompt":5,' + REST, 422, "invalid_request", "prompt", "text or a list of chat messages"),
        (b'{"prompt":{},' + REST, 422, "invalid_request", "prompt", "text or a list of chat messages"),
        (b'{"prompt":[],' + REST, 422, "invalid_request", "prompt", "must alternate"),
        (b'{"prompt":[5],' + REST, 422, "invalid_request", "prompt[0]", "JSON object"),
        (b'{"prompt":[{"role":"user"}],' + REST, 422, "invalid_request", "prompt[0].content", "is missing"),
        (
            b'{"prompt":[{"role":"user","content":""}],' + REST,
            422,
            "invalid_request",
            "prompt[0].content",
            "must not be empty",
        ),
        (b'{"prompt":[{"role":"tool","content":"c"}],' + REST, 422, "invalid_request", "prompt[0].role", "`system`"),
        (b'{"prompt":"a\\u0000b",' + REST, 422, "invalid_request", "prompt", "NUL"),
        (b'{"prompt":"p","answer_a":"\\u0000","answer_b":"b"}', 422, "invalid_request", "answer_a", "NUL"),
        (b'{"prompt":"p","answer_a":7,"answer_b":"b"}', 422, "invalid_request", "answer_a", "must be text"),
        (b'{"prompt":"p","answer_a":"a","answer_b":null}', 422, "invalid_request", "answer_b", "must be text"),
        (b'{"prompt":"p","anwser_a":"x",' + REST, 422, "invalid_request", "anwser_a", "did you mean `answer_a`?"),
        (b'{"prompt":"p","winner":"x",' + REST, 422, "invalid_request", "winner", "correct its spelling."),
        (b'{"prompt":"p","a[b":"x",' + REST, 422, "invalid_request", "a[b", "spelling"),
        (b'{"prompt":"p","principle":"",' + REST, 422, "invalid_request", "principle", "must not be empty"),
        (b'{"prompt":"p","votes":0,' + REST, 422, "invalid_request", "votes", "from 1 to 16, or `auto`"),
        (b'{"prompt":"p","votes":1e400,' + REST, 422, "invalid_request", "votes", "whole number"),
        (b'{"prompt":"p","votes":' + b"9" * 400 + b"," + REST, 422, "invalid_request", "votes", "from 1 to 16"),
        (b'{"prompt":"p","votes":"automatic",' + REST, 422, "invalid_request", "votes", "or `auto`"),
        (b'{"prompt":"p","votes":true,' + REST, 422, "invalid_request", "votes", "whole number"),
        (b'{"prompt":"p","votes":"3",' + REST, 422, "invalid_request", "votes", "whole number"),
        (b'{"prompt":"p","votes":NaN,' + REST, 422, "invalid_request", "votes", "whole number"),
        (b'{"prompt":"p","preset":"best",' + REST, 422, "invalid_request", "preset", "`self-reference`"),
        (b'{"prompt":"p","preset":"reference",' + REST, 422, "invalid_request", "reference", "needs a `reference`"),
        (b'{"prompt":"p","preset":"direct","reference":"",' + REST, 422, "invalid_request", "reference", "drop one"),
        (b'{"prompt":"p","preset":"paper","votes":2,' + REST, 422, "invalid_request", "votes", "drop `votes`"),
        (b'{"prompt":"p","preset":"paper","votes":"auto",' + REST, 422, "invalid_request", "votes", "drop `votes`"),
        (b'{"prompt":"p","max_votes":4,' + REST, 422, "invalid_request", "max_votes", "drop `max_votes`"),
        (b'{"prompt":"p","votes":4,"max_votes":4,' + REST, 422, "invalid_request", "max_votes", "votes `auto` alone"),
        (b'{"prompt":"p","votes":"auto","max_votes":17,' + REST, 422, "invalid_request", "max_votes", "equal to 16"),
        (b'{"prompt":"p","custom_id":"",' + REST, 422, "invalid_request", "custom_id", "must not be empty"),
        (b'{"prompt":"p","markers":"keep",' + REST, 422, "invalid_request", "markers", "`refuse` or `escape`"),
    ],
)
def test_bad_input_is_refused_by_name(body, status, code, param, says):
    with pytest.raises(Refusal) as refused:
        parse(body)
    assert (refused.value.status, refused.value.code, refused.value.param) == (status, code, param)
    assert says in refused.value.detail


def test_all_faults_are_reported_at_once_and_few_of_many():
    with pytest.raises(Refusal) as refused:
        parse(b'{"answer_a":1,"answer_b":"b","extra":1}')
    assert [fault["param"] for fault in refused.value.errors] == ["prompt", "answer_a", "extra"]
    with pytest.raises(Refusal) as refused:
        parse(b"{" + b",".join(b'"x%d":1' % index for index in range(500)) + b"}")
    assert len(refused.value.errors) == 20


def test_no_value_is_ever_repeated_back():
    with pytest.raises(Refusal) as refused:
        parse(b'{"prompt":{"secret":"SECRET"},"answer_a":["SECRET"],"answer_b":"b","preset":"SECRET"}')
    assert "SECRET" not in refused.value.detail + str(refused.value.errors)


def test_the_name_of_an_unknown_field_is_not_repeated_at_any_length():
    with pytest.raises(Refusal) as refused:
        parse(b'{"prompt":"p","' + b"x" * 1_000_000 + b'":1,' + REST)
    assert len(refused.value.detail) < 1000


def test_an_empty_answer_is_a_candidate():
    assert parse(b'{"prompt":"p","answer_a":"","answer_b":""}') == JudgeRequest(prompt="p", answer_a="", answer_b="")


def refusal_of(body: bytes) -> Refusal | None:
    try:
        parse(body)
    except Refusal as refusal:
        return refusal
    return None


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_request_or_a_refusal(body):
    refusal = refusal_of(body)
    assert refusal is not None
    assert refusal.status in (400, 422)
    assert refusal.detail


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*JudgeRequest.model_fields, "extra"]), _JSON, max_size=9))
def test_any_json_object_is_a_request_or_a_refusal_that_names_a_field_sent_or_missing(fields):
    refusal = refusal_of(json.dumps(fields).encode())
    if refusal is not None:
        assert refusal.status in (400, 422)
        names = {*fields, *JudgeRequest.model_fields}
        assert refusal.param is None or refusal.param.partition("[")[0].partition(".")[0] in names
