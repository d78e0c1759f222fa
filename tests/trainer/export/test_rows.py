"""What OpenRLHF could not learn from, or would stumble over, is left out for a reason."""

import json

import pytest

from selfref.exports import preference_row
from selfref.messages import ChatMessage, Verdict
from tests.trainer import models
from tests.trainer.labels import label
from trainer.errors import ModelUnusable
from trainer.export.rows import Reason, Rows
from trainer.export.settings import ExportSettings

SETTINGS = ExportSettings(longest=40, answer_tokens=20, reward_batch=8, batch=8)
WITH_SYSTEM = (ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Why?"))


@pytest.fixture
def rows() -> Rows:
    return Rows(models.tokens(), SETTINGS)


def test_a_decided_pair_is_the_row_of_the_exports(rows: Rows) -> None:
    for verdict in (Verdict.A, Verdict.B):
        pair = label(1, verdict=verdict, probability_a=0.75)
        assert json.loads(rows.preference(pair)) == preference_row(pair)


@pytest.mark.parametrize("verdict", [Verdict.TIE, Verdict.INCONSISTENT])
def test_what_prefers_nothing_is_left_out(rows: Rows, verdict: Verdict) -> None:
    assert rows.preference(label(1, verdict=verdict)) is Reason.UNDECIDED


def test_a_pair_is_as_long_as_its_longer_side(rows: Rows) -> None:
    tokens = models.tokens()
    turns = [{"role": "user", "content": "Why?"}]
    room = SETTINGS.longest - len(tokens.prompt(turns)) - 1
    fits, over = (" ".join(["0"] * length) for length in (room // 2, room // 2 + 1))
    assert len(tokens.prompt(turns) + tokens.answer(turns, fits)) <= SETTINGS.longest
    assert len(tokens.prompt(turns) + tokens.answer(turns, over)) > SETTINGS.longest
    assert isinstance(rows.preference(label(1, prompt="Why?", answer_a=fits)), bytes)
    assert rows.preference(label(1, prompt="Why?", answer_a=over)) is Reason.TOO_LONG
    assert rows.preference(label(1, prompt="Why?", answer_b=over)) is Reason.TOO_LONG


def test_a_conversation_that_the_template_refuses() -> None:
    tokens = models.tokens()
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    tokens.tokenizer.chat_template = refusing + tokens.tokenizer.chat_template
    rows = Rows(tokens, SETTINGS)
    assert rows.preference(label(1, prompt=WITH_SYSTEM)) is Reason.NOT_RENDERED
    assert rows.prompt(WITH_SYSTEM) is Reason.NOT_RENDERED
    assert isinstance(rows.prompt("Why?"), bytes)


def test_what_ends_otherwise_than_a_policys_answer_is_not_trained_on(rows: Rows) -> None:
    rows.template = models.tokens().tokenizer.get_chat_template()
    assert rows.preference(label(1)) is Reason.OTHER_ENDING


def test_a_template_that_suits_no_policy_is_an_error() -> None:
    tokens = models.tokens()
    tokens.tokenizer.chat_template = "{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}"
    with pytest.raises(ModelUnusable, match="renders a prompt otherwise"):
        Rows(tokens, SETTINGS).preference(label(1))


def test_a_prompt_is_asked_once_as_text_or_turn(rows: Rows) -> None:
    line = rows.prompt("Why?")
    assert json.loads(line) == {"prompt": [{"role": "user", "content": "Why?"}]}
    assert rows.prompt((ChatMessage(role="user", content="Why?"),)) is Reason.REPEATED


def test_a_prompt_that_leaves_an_answer_no_room_or_seems_to_hold_an_image(rows: Rows) -> None:
    tokens, fits, over = models.tokens(), "0 " * 8, "0 " * 9
    lengths = [len(tokens.prompt([{"role": "user", "content": text}])) for text in (fits, over)]
    assert lengths[0] <= SETTINGS.longest - SETTINGS.answer_tokens < lengths[1] < SETTINGS.longest
    assert isinstance(rows.prompt(fits), bytes)
    assert rows.prompt(over) is Reason.TOO_LONG
    assert rows.prompt("What does <image> mean?") is Reason.IMAGE_TAG
    assert isinstance(rows.prompt("What does image mean?"), bytes)
