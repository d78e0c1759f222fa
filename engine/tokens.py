"""Text to token ids and back, as text-generation-inference does it; safe to call from several threads at once."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from transformers import AutoTokenizer

from engine.errors import ModelUnusable

_CONTEXT_TOKENS = 5  # tokens of the prompt that the first generated token is decoded after
_BROKEN = "\ufffd"  # what a token that ends inside a character decodes to


@dataclass(frozen=True)
class Encoding:
    """Token ids, and where each lies in the text (in characters); no offsets where the tokenizer cannot tell."""

    ids: list[int]
    offsets: list[tuple[int, int]] | None


class Vocabulary:
    """The tokenizer of a model folder."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.special_ids = frozenset(cast("list[int]", tokenizer.all_special_ids))
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._fast = backend if tokenizer.is_fast else None
        self._lock = threading.Lock()
        self.alone = lru_cache(maxsize=65_536)(self._alone)

    def encode(self, text: str, *, special: bool) -> Encoding:
        """Tokenize; `special` adds the tokens that the model wants around a text (Llama: BOS in front)."""
        if self._fast is not None:
            found = self._fast.encode(text, add_special_tokens=special)
            return Encoding(ids=found.ids, offsets=found.offsets)
        with self._lock:
            return Encoding(ids=self.tokenizer.encode(text, add_special_tokens=special), offsets=None)

    def decode(self, ids: Sequence[int], *, keep_special: bool) -> str:
        """The text of several tokens together."""
        if self._fast is not None:  # directly: transformers converts every id before it does the same
            return cast("str", self._fast.decode(list(ids), skip_special_tokens=not keep_special))
        text = self.tokenizer.decode(
            list(ids), skip_special_tokens=not keep_special, clean_up_tokenization_spaces=False
        )
        return cast("str", text)

    def _alone(self, token: int) -> str:
        """One token's text without its neighbours: the way entries of `top_tokens` are shown."""
        return self.decode([token], keep_special=True)

    def continuation(self, prompt: Sequence[int], generated: Sequence[int]) -> str:
        """What the generated tokens add to the prompt's text, special tokens left out."""
        before = self.decode(prompt[-1:], keep_special=False)
        return self.decode([*prompt[-1:], *generated], keep_special=False)[len(before) :]


class TokenTexts:
    """The text that each generated token adds, one by one; "" while a character is still incomplete."""

    def __init__(self, vocabulary: Vocabulary, prompt: Sequence[int]) -> None:
        self._vocabulary = vocabulary
        self._ids = list(prompt[-_CONTEXT_TOKENS:])
        self._shown = len(self._ids)

    def push(self, token: int) -> str:
        """The text that becomes visible with this token."""
        self._ids.append(token)
        before = self._vocabulary.decode(self._ids[: self._shown], keep_special=True)
        now = self._vocabulary.decode(self._ids, keep_special=True)
        if len(now) <= len(before) or now.endswith(_BROKEN):
            return ""
        self._ids, self._shown = self._ids[self._shown :], len(self._ids) - self._shown
        return now[len(before) :]


def load_vocabulary(folder: Path) -> Vocabulary:
    """The folder's tokenizer, from disk only. Raises ModelUnusable where there is none."""
    try:
        return Vocabulary(AutoTokenizer.from_pretrained(folder, local_files_only=True))
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"no usable tokenizer in {folder}: {error}") from error
