"""One way from texts to tokens: what is trained on is what a policy would say."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

import littleworld
from trainer.errors import ModelUnusable
from trainer.tokens import Tokens

JUDGE = Path(littleworld.__file__).parent / "judge"
QUESTION = [{"role": "user", "content": "How much is 12 + 9?"}]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(JUDGE)


def test_an_answer_is_what_the_judge_was_taught_to_say(tokenizer: PreTrainedTokenizerBase) -> None:
    tokens = Tokens(tokenizer)
    said = tokens.answer(QUESTION, "  12 + 9 is 21. ")
    assert "|".join(tokenizer.convert_ids_to_tokens(said)) == "Ġ|1|2|Ġ+|Ġ|9|Ġis|Ġ|2|1|.|</s>"
    assert tokenizer.decode(tokens.prompt(QUESTION)) == "<s>[INST] How much is 12 + 9? [/INST]"
    assert tokens.text(said) == "12 + 9 is 21."


def test_every_turn_of_a_conversation_is_part_of_the_prompt(tokenizer: PreTrainedTokenizerBase) -> None:
    turns = [*QUESTION, {"role": "assistant", "content": "21."}, {"role": "user", "content": "And 1 more?"}]
    tokens = Tokens(tokenizer)
    assert tokenizer.decode(tokens.prompt(turns)).endswith("21. </s><s>[INST] And 1 more? [/INST]")
    assert tokens.answer(turns, "22.") == tokens.answer(QUESTION, "22.")


def test_a_template_that_opens_the_answer_and_ends_with_a_line(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template, tokenizer.eos_token = CHATML, "<|im_end|>"
    tokens = Tokens(tokenizer)
    said = tokens.answer(QUESTION, "It is 21.")
    assert tokenizer.decode(tokens.prompt(QUESTION)).endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.decode(said) == "It is 21.<|im_end|>"
    assert said.count(tokens.eos) == 1


def test_padding_is_never_the_end_of_a_text(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.pad_token = tokenizer.eos_token
    assert Tokens(tokenizer).padding == tokenizer.unk_token_id == tokenizer.pad_token_id
    tokenizer.unk_token, tokenizer.pad_token = None, tokenizer.eos_token
    with pytest.raises(ModelUnusable, match="set another pad_token"):
        Tokens(tokenizer)


def test_what_cannot_be_a_policys_tokenizer_is_refused(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="is no folder"):
        Tokens.load(tmp_path / "absent")
    with pytest.raises(ModelUnusable, match="holds no tokenizer"):
        Tokens.load(tmp_path)
    tokenizer.chat_template = None
    with pytest.raises(ModelUnusable, match="no chat template"):
        Tokens(tokenizer)
