"""Conversations as the policy itself would see and say them: the one way from texts to tokens for every stage.

A chat template writes an answer that somebody else gave: Llama-2's puts a space between its last word and end-of-text.
A model that answers does not. So an answer here is what the template writes up to end-of-text without the space around
it, and then end-of-text: what the policy samples, what the reward model learns from and what it scores are the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from selfref.exports.preferences import Turn
from trainer.errors import ModelUnusable


class Tokens:
    """Prompts and answers as tokens of one tokenizer, which needs a chat template and an end-of-text token."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raises ModelUnusable."""
        if not tokenizer.chat_template:
            raise ModelUnusable("the tokenizer has no chat template; take a chat model, or add a chat_template.jinja")
        if tokenizer.eos_token_id is None:
            raise ModelUnusable("the tokenizer has no end-of-text token, so no answer of its model would ever end")
        self.tokenizer = tokenizer
        self.eos: int = tokenizer.eos_token_id
        self.padding: int = _padding(tokenizer)
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(self.padding)  # trainers would take end-of-text

    @classmethod
    def load(cls, folder: Path) -> "Tokens":
        """The tokenizer of a model's folder. Raises ModelUnusable."""
        if not folder.is_dir():
            raise ModelUnusable(f"{folder} is no folder; give the folder of a Hugging Face model")
        try:
            return cls(AutoTokenizer.from_pretrained(folder, local_files_only=True))
        except (OSError, ValueError) as error:
            raise ModelUnusable(f"{folder} holds no tokenizer that transformers can load: {error}") from error

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens after which the model answers."""
        return self._encode(self._rendered(turns, answering=True))

    def answer(self, turns: Sequence[Turn], text: str) -> list[int]:
        """The tokens of an answer to these turns, its end-of-text included. Raises ModelUnusable."""
        asked = self._rendered(turns, answering=True)
        whole = self._rendered([*turns, Turn(role="assistant", content=text)], answering=False)
        if not whole.startswith(asked.rstrip()):
            raise ModelUnusable("the chat template renders a prompt otherwise once it is answered")
        said = whole[len(asked.rstrip()) :]
        ending = said.rfind(str(self.tokenizer.eos_token))
        said = said[:ending] if ending >= 0 else said
        gap = asked[len(asked.rstrip()) :]  # which the prompt's own tokens hold
        return [*self._encode(said.removeprefix(gap).rstrip()), self.eos]

    def text(self, answer: Sequence[int]) -> str:
        """What an answer's tokens say, without end-of-text and the space around it."""
        return str(self.tokenizer.decode(list(answer), skip_special_tokens=True)).strip()

    def _rendered(self, turns: Sequence[Turn], *, answering: bool) -> str:
        messages: list[Any] = [dict(turn) for turn in turns]
        rendered = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answering)
        return str(rendered)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids


def _padding(tokenizer: PreTrainedTokenizerBase) -> int:
    """A token that stands in no text. End-of-text is none: a reward model would take it for padding and skip it."""
    for token in (tokenizer.pad_token_id, tokenizer.unk_token_id):
        if token is not None and token != tokenizer.eos_token_id:
            return int(token)
    raise ModelUnusable(
        "the tokenizer's only padding token is end-of-text, which a reward model has to see; set another pad_token"
    )
