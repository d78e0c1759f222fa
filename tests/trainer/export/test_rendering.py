"""With our template OpenRLHF makes the tokens that a policy says, whatever the model's own writes around an answer."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

import littleworld
from tests.trainer.test_tokens import CHATML, JUDGE
from trainer.export.rendering import ending_as_said, read_by_openrlhf
from trainer.tokens import Tokens

LLAMA_2 = (Path(littleworld.__file__).parent / "judge" / "chat_template.jinja").read_text()
WITHOUT_END = (
    "{% for m in messages %}{{ m.role + ': ' + m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
LINES_AROUND = "\n" + LLAMA_2 + "{{ '' }}\n"
QUESTION = [{"role": "user", "content": "How much is 12 + 9?"}]
TURNS = [*QUESTION, {"role": "assistant", "content": "21."}, {"role": "user", "content": "And 1 more?"}]


def tokenizer_with(template: str) -> PreTrainedTokenizerBase:
    tokenizer = AutoTokenizer.from_pretrained(JUDGE)
    tokenizer.chat_template = template
    if template == CHATML:
        tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
        tokenizer.eos_token = "<|im_end|>"
    return tokenizer


@pytest.mark.parametrize("template", [LLAMA_2, CHATML, LINES_AROUND], ids=["llama", "chatml", "lines"])
@pytest.mark.parametrize("turns", [QUESTION, TURNS], ids=["question", "turns"])
def test_openrlhf_trains_on_what_the_policy_says(template: str, turns: list) -> None:
    tokens = Tokens(tokenizer_with(template))
    for answer in ("It is 22.", "  22 \n"):
        read = read_by_openrlhf(tokens.tokenizer, ending_as_said(template), turns, answer)
        assert read == [*tokens.prompt(turns), *tokens.answer(turns, answer)]


def test_a_template_without_end_of_text_gets_one() -> None:
    tokens = Tokens(tokenizer_with(WITHOUT_END))
    for turns in (QUESTION, TURNS):
        read = read_by_openrlhf(tokens.tokenizer, ending_as_said(WITHOUT_END), turns, "It is 22.")
        assert tokens.tokenizer.decode(read).endswith("assistant: It is 22.</s>")
        assert read[-4:] == tokens.answer(turns, "It is 22.")[-4:]


@pytest.mark.parametrize(
    "template", [LLAMA_2, CHATML, WITHOUT_END, LINES_AROUND], ids=["llama", "chatml", "bare", "lines"]
)
def test_a_prompt_is_rendered_as_before(template: str) -> None:
    tokenizer = tokenizer_with(template)
    for turns in (QUESTION, TURNS):
        before = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        again = tokenizer.apply_chat_template(
            turns, chat_template=ending_as_said(template), tokenize=False, add_generation_prompt=True
        )
        assert again == before


def test_the_models_own_template_would_not_do() -> None:
    tokens = Tokens(tokenizer_with(LLAMA_2))
    read = read_by_openrlhf(tokens.tokenizer, LLAMA_2, QUESTION, "It is 21.")
    assert tokens.tokenizer.convert_ids_to_tokens(read)[-3:] == [".", "Ġ", "</s>"]
    assert read != [*tokens.prompt(QUESTION), *tokens.answer(QUESTION, "It is 21.")]
