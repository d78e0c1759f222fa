"""The texts that the model is given, one file each, filled in a single pass so that user text is never a template.

The answer shown first is always *Response A* in these texts, whichever of the caller's answers it is.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from selfref.messages import ChatMessage, Comparison
from worker.engines.protocol import VerdictTexts

_FIELD = re.compile(r"\{([a-z]+)\}")
_RUN_OF_QUOTES = re.compile(r'"{3,}')
_EMPTY = "(nothing at all: this response is empty)"  # unfenced, so that no answer can be mistaken for it
_ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompt files as loaded, and their common digest."""

    critique: str
    direct: str
    verdict: VerdictTexts
    digest: str

    def critique_turn(self, comparison: Comparison) -> str:
        """The user's turn that follows a reference and shows both answers, `answer_a` first."""
        return fill(self.critique, principle=comparison.principle, **_answers(comparison))

    def direct_turn(self, comparison: Comparison) -> str:
        """The only turn of a judgment without a reference: the conversation is quoted, because no answer follows it."""
        conversation = comparison.conversation()
        told = conversation[0].content if len(conversation) == 1 else _transcript(conversation)
        return fill(self.direct, principle=comparison.principle, conversation=_fenced(told), **_answers(comparison))


@cache
def load_prompts() -> Prompts:
    """The prompt files that are installed with this package, read once."""
    names = ("critique", "direct", "verdict_opening", "verdict_question")
    texts = {name: (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").rstrip() for name in names}
    digest = hashlib.sha256("\0".join(texts[name] for name in names).encode()).hexdigest()[:16]
    return Prompts(
        critique=texts["critique"],
        direct=texts["direct"],
        verdict=VerdictTexts(opening=texts["verdict_opening"], question=texts["verdict_question"]),
        digest=digest,
    )


def fill(template: str, **fields: str) -> str:
    """The template with every `{field}` replaced in one pass; raises `KeyError` unless exactly its fields are given.

    What is put in is never looked at again: a text that contains `{principle}` keeps it.
    """
    _require(set(_FIELD.findall(template)), fields)
    return _FIELD.sub(lambda found: fields[found[1]], template)


def _require(wanted: set[str], given: Mapping[str, str]) -> None:
    if wanted != set(given):
        raise KeyError(f"template fields {sorted(wanted)} were given {sorted(given)}")


def _answers(comparison: Comparison) -> dict[str, str]:
    mark = _mark(comparison.answer_a, comparison.answer_b)
    return {"first": _fenced(comparison.answer_a, mark=mark), "second": _fenced(comparison.answer_b, mark=mark)}


def _transcript(conversation: Sequence[ChatMessage]) -> str:
    return "\n\n".join(f"{_ROLES[message.role]}: {message.content}" for message in conversation)


def _mark(*texts: str) -> str:
    """Three quotation marks, or one more than the longest run in the texts, so that no text can close its own fence."""
    longest = max((len(run) for text in texts for run in _RUN_OF_QUOTES.findall(text)), default=2)
    return '"' * (longest + 1)


def _fenced(text: str, *, mark: str | None = None) -> str:
    if not text.strip():
        return _EMPTY
    mark = mark or _mark(text)
    return f"{mark}\n{text}\n{mark}"
