"""Regular expressions and JSON schemas that a text must match, compiled by llguidance to a mask over the next token."""

import json
import threading
from typing import Any

import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from torch import Tensor

from engine.errors import GenerationFailed, Invalid
from engine.model import Model
from engine.tokens import Vocabulary


class GrammarCompiler:
    """Compiles for one model; the tokenizer's table (about a second of work) is made at the first use."""

    def __init__(self, vocabulary: Vocabulary, model: Model) -> None:
        self._vocabulary = vocabulary
        self._model = model
        self._table: LLTokenizer | None = None
        self._lock = threading.Lock()

    def regex(self, pattern: str) -> "Grammar":
        """The whole text must match `pattern`. Raises Invalid where it cannot be compiled."""
        return self._compile(LLMatcher.grammar_from_regex(pattern))

    def json_schema(self, schema: dict[str, Any]) -> "Grammar":
        """The text must be a JSON document that fits `schema`. Raises Invalid where it cannot be compiled."""
        if "properties" not in schema:
            raise Invalid("grammar is not valid: Grammar must have a 'properties' field")
        closed = json.dumps(_closed(schema))
        return self._compile(LLMatcher.grammar_from_json_schema(closed, overrides={"whitespace_pattern": "[ ]?"}))

    def _compile(self, source: str) -> "Grammar":
        matcher = LLMatcher(self._tokenizer_table(), source, log_level=0)
        if matcher.is_error():
            raise Invalid(f"grammar is not valid: {matcher.get_error()}")
        return Grammar(matcher, vocabulary=self._model.vocabulary)

    def _tokenizer_table(self) -> LLTokenizer:
        with self._lock:
            if self._table is None:
                tokenizer = self._vocabulary.tokenizer
                if not tokenizer.is_fast:
                    raise Invalid("grammar is not supported")
                eos = sorted(self._model.eos_ids) or None
                self._table = from_tokenizer(tokenizer, n_vocab=self._model.vocabulary, eos_token=eos)
            return self._table


def _closed(schema: Any) -> Any:
    """The schema without room for properties that it does not name, which is how TGI's outlines reads one."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **closed} if isinstance(schema.get("properties"), dict) else closed


class Grammar:
    """The state of one text under a grammar; every request has its own."""

    def __init__(self, matcher: LLMatcher, *, vocabulary: int) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary

    def mask(self, scores: Tensor) -> Tensor:
        """`scores` (vocabulary,) with -inf for every token that the grammar does not allow next."""
        packed = torch.frombuffer(bytearray(self._matcher.compute_bitmask()), dtype=torch.uint8)
        if self._matcher.is_error():
            raise GenerationFailed(f"the grammar cannot go on: {self._matcher.get_error()}")
        bits = (packed.unsqueeze(1) >> torch.arange(8, dtype=torch.uint8)) & 1
        allowed = bits.flatten()[: self._vocabulary].bool().to(scores.device)
        return scores.masked_fill(~allowed, float("-inf"))

    def advance(self, token: int) -> None:
        """The text now goes on with `token`."""
        self._matcher.consume_token(token)
