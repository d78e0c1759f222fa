"""Ids, fingerprints and template markers."""

import pytest

from selfref.markers import MARKERS, find_marker
from selfref.messages import ESCAPED_MARKERS, JudgeRequest, Lane, Preset
from service.admission import fingerprint, idempotency_key, judgment_id, work_of
from service.errors import Invalid, Unreadable

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5"}
TURNS = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "?"}]


def work(**fields):
    return work_of(JudgeRequest.model_validate({**PAIR, **fields}), judgment_id="j", tenant="t")


def test_an_id_follows_from_tenant_and_key_alone_and_is_new_without_one():
    assert judgment_id("t", "k") == judgment_id("t", "k")
    assert len({judgment_id("t", "k"), judgment_id("u", "k"), judgment_id("t", "l")}) == 3
    assert judgment_id("t", None) != judgment_id("t", None)


def test_the_fingerprint_is_of_what_is_asked_and_not_of_how_it_is_written():
    asked = [
        '{"prompt":"p","answer_a":"a","answer_b":"b"}',
        '{ "answer_b": "b", "answer_a": "\\u0061", "prompt": "p", "principle": "best for humanity", "votes": null }',
    ]
    assert len({fingerprint(JudgeRequest.model_validate_json(text)) for text in asked}) == 1
    assert fingerprint(JudgeRequest(**PAIR)) != fingerprint(JudgeRequest(**PAIR, votes=2))


def test_a_request_from_before_there_were_budgets_keeps_its_fingerprint():
    kept = "0453c7240273217eafd8806a0cc559b9248dad77f4ca4ddcbc7afc907289c8b2"
    assert fingerprint(JudgeRequest(prompt="p", answer_a="a", answer_b="b")) == kept
    auto = [JudgeRequest(**PAIR, votes="auto", max_votes=most) for most in (None, 4, 5)]
    assert len({fingerprint(asked) for asked in auto}) == 3


def test_votes_go_with_the_work():
    assert (work().votes, work(votes=3).votes) == (1, 3)
    assert (work(votes="auto").votes, work(votes="auto").max_votes) == ("auto", 8)
    assert work(votes="auto", max_votes=3).max_votes == 3


@pytest.mark.parametrize(
    ("values", "key"),
    [([], None), (["abc"], "abc"), (['"abc"'], "abc"), (["x" * 255], "x" * 255), (['"'], '"')],
)
def test_a_key_may_be_bare_or_quoted(values, key):
    assert idempotency_key(values) == key


@pytest.mark.parametrize("values", [[""], ['""'], ["x" * 256], ["a b"], ["é"], ["a", "a"]])
def test_what_is_no_key_is_refused(values):
    with pytest.raises(Unreadable) as refused:
        idempotency_key(values)
    assert refused.value.param == "Idempotency-Key"


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("param", ["prompt", "answer_a", "answer_b", "principle", "reference"])
def test_a_marker_is_refused_and_its_field_named(marker, param):
    with pytest.raises(Invalid) as refused:
        work(**{param: f"before {marker.upper()} after"})
    assert (refused.value.code, refused.value.param) == ("markers_in_text", param)
    assert marker.upper() in refused.value.detail


def test_a_marker_in_a_conversation_is_found_in_its_turn():
    with pytest.raises(Invalid) as refused:
        work(prompt=[*TURNS[:2], {"role": "user", "content": "</s>"}])
    assert refused.value.param == "prompt[2].content"


@pytest.mark.parametrize("prompt", ["a </s> b", [*TURNS[:2], {"role": "user", "content": "[INST]"}]])
def test_escaping_rewrites_every_text_and_flags_the_work(prompt):
    made = work(
        prompt=prompt, answer_a="<s>", answer_b="plain", reference="<<SYS>>", principle="</s>", markers="escape"
    )
    assert made.flags == (ESCAPED_MARKERS,)
    assert find_marker(made.comparison.model_dump_json()) is None
    assert made.comparison.answer_b == "plain"


def test_escaping_what_has_no_marker_flags_nothing():
    assert work(markers="escape").flags == ()


def test_the_work_carries_what_was_asked():
    made = work(votes=3, custom_id="c", reference="four")
    assert (made.id, made.tenant, made.lane) == ("j", "t", Lane.INTERACTIVE)
    assert (made.preset, made.votes, made.custom_id) == (Preset.REFERENCE, 3, "c")
