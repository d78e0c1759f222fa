"""A tokenizer of words, and a chat template like Llama 2's: what the stub servers render, count and answer with."""

import re
from collections.abc import Sequence
from typing import Any

_WORD = re.compile(r"<s>|</s>| ?[^\W\d_]+|\s|.", re.DOTALL)
BOS = "<s>"


class Words:
    """Every different piece of text gets the next id; ids start at 1, which is BOS."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {BOS: 1, "</s>": 2}

    def encode(self, text: str, *, bos: bool) -> list[dict[str, Any]]:
        tokens: list[dict[str, Any]] = [{"id": 1, "text": "", "start": 0, "stop": 0}] if bos else []
        for found in _WORD.finditer(text):
            token = self._ids.setdefault(found.group(), len(self._ids) + 1)
            tokens.append({"id": token, "text": found.group(), "start": found.start(), "stop": found.end()})
        return tokens

    def id(self, text: str) -> int:
        return self._ids.setdefault(text, len(self._ids) + 1)


def render(messages: Sequence[dict[str, str]], *, continue_last: bool) -> str:
    """Llama 2's shape: an assistant turn is closed by `</s><s>`, unless it is the last and to be continued."""
    text = BOS
    for place, message in enumerate(messages):
        content = message["content"].strip()
        if message["role"] == "assistant":
            last = place == len(messages) - 1
            text += f" {content}" if last and continue_last else f" {content} </s><s>"
        else:
            text += f"[INST] {content} [/INST]"
    return text
