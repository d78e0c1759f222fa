"""Messages survive the wire, refuse what they cannot mean, and a label never says more than its judgment."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from selfref.messages import (
    STATE,
    Check,
    Comparison,
    Failure,
    FailureCode,
    FailureReason,
    JobOptions,
    JudgeRequest,
    Judgment,
    Label,
    Lane,
    Preset,
    Provenance,
    Usage,
    Verdict,
    VoteCounts,
    Waiting,
    Work,
    now,
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
prompts = texts.filter(lambda text: bool(text.strip()))
comparisons = st.builds(
    Comparison, prompt=prompts, answer_a=texts, answer_b=texts, principle=prompts, reference=st.none() | texts
)
odds = st.none() | st.floats(-50, 50)
judgments = st.builds(
    Judgment,
    id=st.just("jdg_1"),
    created_at=st.builds(now),
    finished_at=st.builds(now),
    verdict=st.sampled_from(Verdict),
    probability_a=st.none() | st.floats(0, 1),
    strength=st.none() | st.floats(0, 1),
    log_odds=odds,
    position_bias=odds,
    orders=st.just(()),
    votes=st.builds(VoteCounts, a=st.integers(0, 4), b=st.integers(0, 4), tie=st.integers(0, 4)),
    reference=st.none(),
    principle=prompts,
    preset=st.sampled_from(Preset),
    usage=st.builds(Usage, calls=st.integers(0, 9)),
    provenance=st.builds(Provenance, engine=st.just("tgi"), model=texts, template=st.just("t"), method=st.just("m")),
)


def _work(comparison: Comparison) -> Work:
    return Work(
        id="jdg_1",
        tenant="default",
        lane=Lane.INTERACTIVE,
        comparison=comparison,
        preset=Preset.SELF_REFERENCE,
        created_at=now(),
    )


checks = st.builds(
    Check,
    kind=st.sampled_from(["aa", "repeat", "gold"]),
    of=st.none() | st.integers(0, 9),
    better=st.sampled_from([None, "A", "B"]),
)


@given(comparisons, st.none() | checks, st.booleans())
def test_work_survives_the_wire(comparison: Comparison, check: Check | None, repeated: bool) -> None:
    work = _work(comparison).model_copy(update={"check": check, "repeated": repeated})
    assert Work.model_validate_json(work.model_dump_json()) == work


def test_work_that_says_nothing_of_checks_is_an_ordinary_pair() -> None:
    said = _work(Comparison(prompt="p", answer_a="a", answer_b="b")).model_dump(exclude={"check", "repeated"})
    work = Work.model_validate(said)
    assert (work.check, work.repeated) == (None, False)


@given(judgments)
def test_a_state_is_read_back_as_what_it_was(judgment: Judgment) -> None:
    failure = Failure(
        id="jdg_1",
        created_at=now(),
        finished_at=now(),
        error=FailureReason(code=FailureCode.TOO_LONG, message="m", retryable=False, attempts=1),
    )
    for state in (judgment, failure, Waiting(id="jdg_1", created_at=now())):
        assert STATE.validate_json(state.model_dump_json()) == state


@given(comparisons)
def test_swapping_twice_changes_nothing(comparison: Comparison) -> None:
    assert comparison.swapped().swapped() == comparison
    assert comparison.swapped().answer_a == comparison.answer_b


@given(comparisons, judgments)
def test_a_label_prefers_an_answer_exactly_when_its_judgment_decided(
    comparison: Comparison, judgment: Judgment
) -> None:
    label = Label.of(comparison, judgment)
    answers = {
        Verdict.A: (comparison.answer_a, comparison.answer_b),
        Verdict.B: (comparison.answer_b, comparison.answer_a),
    }
    assert (label.chosen, label.rejected) == answers.get(judgment.verdict, (None, None))
    assert label.margin == (judgment.strength or 0.0 if judgment.verdict.decided else 0.0)
    assert Label.model_validate_json(label.model_dump_json()) == label


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "prompt"),
        ({"prompt": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]}, "prompt"),
        ({"answer_a": True}, "answer_a"),
        ({"answer_b": "a\x00b"}, "answer_b"),
        ({"answer_b": "\ud800"}, "answer_b"),
        ({"principle": ""}, "principle"),
        ({"votes": True}, "votes"),
        ({"votes": 0}, "votes"),
        ({"votes": "3"}, "votes"),
        ({"votes": "AUTO"}, "votes"),
        ({"votes": "auto", "max_votes": 0}, "max_votes"),
        ({"votes": "auto", "max_votes": "4"}, "max_votes"),
        ({"answers": "x"}, "answers"),
        ({"custom_id": ""}, "custom_id"),
    ],
)
def test_a_bad_request_is_refused_at_the_field_that_is_bad(change: dict[str, Any], where: str) -> None:
    good = {"prompt": "p", "answer_a": "a", "answer_b": "b"}
    with pytest.raises(ValidationError) as refused:
        JudgeRequest.model_validate(good | change)
    assert {error["loc"][0] for error in refused.value.errors()} == {where}


@pytest.mark.parametrize(
    "options",
    [
        {"preset": "reference"},
        {"preset": "direct", "reference": "r"},
        {"preset": "paper", "votes": 2},
        {"preset": "paper", "votes": "auto"},
        {"votes": 2, "max_votes": 4},
        {"max_votes": 4},
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JudgeRequest.model_validate({"prompt": "p", "answer_a": "a", "answer_b": "b"} | options)


def test_votes_are_counted_or_left_to_the_judge() -> None:
    pair = {"prompt": "p", "answer_a": "a", "answer_b": "b"}
    asked = JudgeRequest.model_validate(pair | {"votes": "auto", "max_votes": 4})
    assert (asked.votes, asked.max_votes) == ("auto", 4)
    assert JudgeRequest.model_validate_json(asked.model_dump_json()) == asked
    assert JudgeRequest.model_validate(pair | {"votes": 16}).votes == 16
    schema = JudgeRequest.model_json_schema()["properties"]["votes"]["anyOf"]
    assert {"const": "auto", "type": "string"} in schema
    assert {"maximum": 16, "minimum": 1, "type": "integer"} in schema


def test_options_of_a_job_may_come_as_the_texts_of_a_query() -> None:
    counted, auto = {"votes": "3"}, {"votes": "auto", "max_votes": "4"}
    assert JobOptions.model_validate_strings(counted).votes == 3
    assert JobOptions.model_validate_strings(auto) == JobOptions(votes="auto", max_votes=4)
    with pytest.raises(ValidationError, match="votes 'auto' alone"):
        JobOptions.model_validate_strings({"votes": "3", "max_votes": "4"})


def test_work_from_before_there_was_a_budget_is_still_read() -> None:
    work = Work(
        id="w",
        tenant="t",
        lane=Lane.BATCH,
        comparison=Comparison(prompt="p", answer_a="a", answer_b="b"),
        preset=Preset.DIRECT,
        votes=3,
        created_at=now(),
    )
    old = work.model_dump(mode="json")
    del old["max_votes"]
    assert Work.model_validate(old) == work
    assert Work.model_validate_json(work.model_copy(update={"votes": "auto"}).model_dump_json()).votes == "auto"


def test_an_empty_answer_is_a_real_candidate() -> None:
    assert JudgeRequest.model_validate({"prompt": "p", "answer_a": "", "answer_b": "b"}).answer_a == ""


def test_a_given_reference_implies_its_preset() -> None:
    request = TypeAdapter(JudgeRequest).validate_python(
        {"prompt": "p", "answer_a": "a", "answer_b": "b", "reference": "r"}
    )
    assert request.effective_preset() is Preset.REFERENCE
    assert request.comparison().reference == "r"


def test_provenance_digests_differ_when_anything_differs() -> None:
    base = Provenance(engine="tgi", model="m", template="t", method="verdict-token", parameters={"a": 1, "b": 2})
    reordered = base.model_copy(update={"parameters": {"b": 2, "a": 1}})
    assert base.digest() == reordered.digest()
    assert base.digest() != base.model_copy(update={"revision": "r"}).digest()
