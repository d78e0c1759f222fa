"""How OpenRLHF makes tokens of a preference row, and the chat template with which they are those of the policy.

OpenRLHF renders an answer by the chat template, which writes what somebody else said: Llama-2's puts a space before
end-of-text. In PPO the reward model then scores what the policy itself said, without that space. `trainer.tokens` has
the same care for our own reward model; the paper's script passes a template of its own for it.
"""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from selfref.exports.preferences import Turn

_RENDERED = "{% set selfref_whole %}{{ '' }}"  # an expression, since a line's end behind a block would be dropped
_ENDED = (
    "{{ '' }}{% endset %}"
    "{% if add_generation_prompt or messages[-1]['role'] != 'assistant' %}{{ selfref_whole }}"
    "{% else %}{{ selfref_whole.rsplit(eos_token, 1)[0].rstrip() + eos_token }}{% endif %}"
)


def ending_as_said(template: str) -> str:
    """The template, but an answer at the end is followed by end-of-text and nothing else, before or behind it."""
    return _RENDERED + template.removesuffix("\n") + _ENDED  # Jinja drops a last line feed, at the very end only


def read_by_openrlhf(
    tokenizer: PreTrainedTokenizerBase, template: str, turns: Sequence[Turn], answer: str
) -> list[int]:
    """The tokens of one side of a pair in `train_rm --data.apply_chat_template --data.prompt_key prompt`.

    As `openrlhf/datasets/reward_dataset.py` of 0.11.2 makes them, up to its cut at --data.max_len. Raises jinja2's
    TemplateError where the template refuses the conversation.
    """
    prompt = _rendered(tokenizer, template, turns, answering=True)
    whole = _rendered(tokenizer, template, [*turns, Turn(role="assistant", content=answer)], answering=False)
    text = (prompt + whole[len(prompt) :]).rstrip("\n")
    if not text.endswith(str(tokenizer.eos_token)):
        text += f" {tokenizer.eos_token}"
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


def _rendered(tokenizer: PreTrainedTokenizerBase, template: str, turns: Sequence[Turn], *, answering: bool) -> str:
    messages: list[Any] = [dict(turn) for turn in turns]
    return str(
        tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=answering)
    )
