"""Preference rows hold decided pairs only, always as conversations, and read by OpenRLHF as they were judged."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from transformers import PreTrainedTokenizerFast

from littleworld.tokenizer import EOS, wrap
from selfref.exports import Format, export_as, preference_row
from selfref.messages import Label, Verdict
from tests.selfref.exports.labels import label, labels
from tests.tiny_model.tokenizer import train_tokenizer

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "Which is it?"},
]


def exported(format_: Format, *found: Label) -> list[Any]:
    export = export_as(format_)
    return [orjson.loads(line) for line in (export.write(found) + export.close()).splitlines()]


def test_a_text_and_a_conversation_give_rows_of_one_shape() -> None:
    text, chat = preference_row(label()), preference_row(label(verdict=Verdict.B, prompt=CHAT))
    assert text is not None
    assert chat is not None
    assert text == {
        "prompt": [{"role": "user", "content": "Which is it?"}],
        "chosen": [{"role": "assistant", "content": "a good one"}],
        "rejected": [{"role": "assistant", "content": "a bad one"}],
        "margin": 0.5,
        "id": "jdg_1",
    }
    assert chat["prompt"] == CHAT
    assert (chat["chosen"], chat["rejected"]) == (text["rejected"], text["chosen"])


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("format_", Format)
def test_only_decided_pairs_are_preference_rows_and_other_formats_hold_all(format_: Format, verdict: Verdict) -> None:
    of_preferences = format_ in (Format.TRL, Format.OPENRLHF)
    assert format_.holds(label(verdict=verdict)) == (verdict.decided or not of_preferences)
    if of_preferences:
        assert len(exported(format_, label(verdict=verdict))) == verdict.decided


@given(labels())
def test_a_line_is_the_label_as_the_feed_has_it(found: Label) -> None:
    export = export_as(Format.JSONL)
    line = export.write([found]) + export.close()
    assert line.count(b"\n") == 1
    assert Label.model_validate_json(line) == found


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return wrap(train_tokenizer())


@pytest.mark.parametrize("prompt", ["Which is it?", CHAT])
def test_openrlhf_trains_on_the_prompt_with_either_answer_and_on_the_margin(
    tokenizer: PreTrainedTokenizerFast, prompt: Any
) -> None:
    (row,) = exported(Format.OPENRLHF, label(prompt=prompt, margin=0.25))
    chosen, rejected, margin = as_openrlhf_reads(row, tokenizer)
    for text, answer in ((chosen, "a good one"), (rejected, "a bad one")):
        assert text.count("Which is it?") == 1
        assert text.index("Which is it?") < text.rindex("[/INST]") < text.index(answer)
        assert text.endswith(f"{answer} {EOS}")
    assert margin == 0.25


def as_openrlhf_reads(row: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> tuple[str, str, float]:
    """The two texts and the margin that its reward model is trained on.

    What `openrlhf.cli.train_rm` does with `--data.apply_chat_template --data.prompt_key prompt`, told in our own words
    from its `datasets/reward_dataset.py`: the prompt is rendered up to where the assistant begins; each answer is what
    rendering prompt and answer together adds behind as many characters; both are put together again, line breaks at
    the end fall away, and an end of sequence is added where the template put none. No margin, or null, is 0.
    """
    opening = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
    texts = []
    for name in ("chosen", "rejected"):
        whole = tokenizer.apply_chat_template(row["prompt"] + row[name], tokenize=False)
        text = (opening + whole[len(opening) :]).rstrip("\n")
        texts.append(text if text.endswith(EOS) else f"{text} {EOS}")
    return texts[0], texts[1], row.get("margin") or 0
