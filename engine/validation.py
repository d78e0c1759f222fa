"""From a request's body to a `Job`, or the refusal that text-generation-inference gives, in its order and its words.

Source: router/src/validation.rs of TGI 3.3. What this engine does not do (watermarks, adapters) is refused by name.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.errors import Invalid
from engine.grammar import Grammar, GrammarCompiler
from engine.request import Job, Sampling
from engine.tokens import Vocabulary
from engine.wire import GenerateParameters, GenerateRequest, GrammarType, JsonGrammar, RegexGrammar


@dataclass(frozen=True)
class RequestLimits:
    """The most that one request may ask for; names and meanings are TGI's."""

    max_best_of: int
    max_stop_sequences: int
    max_top_n_tokens: int
    max_input_tokens: int
    max_total_tokens: int
    prefill_logprobs: bool


class Validator:
    """Checks, tokenizes and compiles; slow enough to belong in a worker thread, and safe there."""

    def __init__(self, limits: RequestLimits, *, vocabulary: Vocabulary, compiler: GrammarCompiler) -> None:
        self._limits = limits
        self._vocabulary = vocabulary
        self._compiler = compiler

    def job(self, request: GenerateRequest, *, special: bool) -> Job:
        """The job of one text; `special` adds the model's own tokens (BOS). Raises Invalid."""
        asked = request.parameters
        sampling = self._sampling(asked)
        self._check_counts(asked)
        if asked.seed is not None and (asked.best_of or 1) > 1:
            raise Invalid("`seed` must not be set when `best_of` > 1")
        top_n = asked.top_n_tokens or 0
        if top_n > self._limits.max_top_n_tokens:
            raise Invalid(f"`top_n_tokens` must be >= 0 and <= {self._limits.max_top_n_tokens}. Given: {top_n}")
        prompt, max_new_tokens = self._prompt(request, special=special)
        return Job(
            prompt=prompt,
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            stop=tuple(asked.stop),
            top_n=top_n,
            prefill_logprobs=asked.decoder_input_details and self._limits.prefill_logprobs,
            grammar=self._grammar(asked.grammar) if asked.grammar is not None else None,
        )

    def check_best_of(self, best_of: int) -> None:
        """Raises Invalid where so many texts are not allowed."""
        limit = self._limits.max_best_of
        if limit == 1:
            raise Invalid("`best_of` != 1 is not allowed for this endpoint")
        if best_of > limit:
            raise Invalid(f"`best_of` must be > 0 and <= {limit}. Given: {best_of}")

    def _sampling(self, asked: GenerateParameters) -> Sampling:
        warped = any(value is not None for value in (asked.temperature, asked.top_k, asked.top_p, asked.typical_p))
        if (asked.best_of or 1) > 1 and not (asked.do_sample or warped):
            raise Invalid("you must use sampling when `best_of` is > 1")
        _require(asked.temperature, lambda value: value > 0, "`temperature` must be strictly positive")
        _require(asked.repetition_penalty, lambda value: value > 0, "`repetition_penalty` must be strictly positive")
        _require(
            asked.frequency_penalty, lambda value: -2 <= value <= 2, "`frequency_penalty` must be >= -2.0 and <= 2.0"
        )
        _require(asked.top_p, lambda value: 0 < value < 1, "`top_p` must be > 0.0 and < 1.0")
        _require(asked.typical_p, lambda value: 0 < value < 1, "`typical_p` must be > 0.0 and < 1.0")
        _require(asked.top_k, lambda value: value > 0, "`top_k` must be strictly positive")
        # As the TGI server does (server/utils/tokens.py, `has_warpers`): a neutral warper does not switch sampling on.
        neutral = asked.temperature in (None, 1.0) and asked.top_k is None and asked.top_p is None
        return Sampling(
            sampled=asked.do_sample or not neutral or asked.typical_p is not None,
            seed=random.getrandbits(64) if asked.seed is None else asked.seed,  # not a secret
            temperature=1.0 if asked.temperature is None else asked.temperature,
            top_k=asked.top_k or 0,
            top_p=1.0 if asked.top_p is None else asked.top_p,
            typical_p=1.0 if asked.typical_p is None else asked.typical_p,
            repetition_penalty=1.0 if asked.repetition_penalty is None else asked.repetition_penalty,
            frequency_penalty=asked.frequency_penalty or 0.0,
        )

    def _check_counts(self, asked: GenerateParameters) -> None:
        if asked.max_new_tokens == 0:
            raise Invalid("`max_new_tokens` must be strictly positive")
        limit = self._limits.max_stop_sequences
        if len(asked.stop) > limit:
            raise Invalid(f"`stop` supports up to {limit} stop sequences. Given: {len(asked.stop)}")
        if asked.watermark:
            raise Invalid("`watermark` is not supported by this engine")
        if asked.adapter_id is not None:
            raise Invalid("`adapter_id` is not supported by this engine: it serves one model without adapters")

    def _prompt(self, request: GenerateRequest, *, special: bool) -> tuple[list[int], int]:
        """The prompt's tokens, and how many may follow; without `max_new_tokens`, all that fit."""
        most_input, most_total = self._limits.max_input_tokens, self._limits.max_total_tokens
        truncate = request.parameters.truncate
        if not request.inputs:
            raise Invalid("`inputs` cannot be empty")
        if truncate is not None and not 0 < truncate <= most_input:
            raise Invalid(f"`truncate` must be strictly positive and less than {most_input}. Given: {truncate}")
        ids = self._vocabulary.encode(request.inputs, special=special).ids
        ids = ids[-truncate:] if truncate is not None else ids
        asked = request.parameters.max_new_tokens
        max_new_tokens = max(most_total - len(ids), 0) if asked is None else asked
        if len(ids) + max_new_tokens > most_total:
            raise Invalid(
                f"`inputs` tokens + `max_new_tokens` must be <= {most_total}. "
                f"Given: {len(ids)} `inputs` tokens and {max_new_tokens} `max_new_tokens`"
            )
        if len(ids) > most_input:
            raise Invalid(f"`inputs` must have less than {most_input} tokens. Given: {len(ids)}")
        if not ids:
            raise Invalid("`inputs` cannot be empty")
        return ids, max_new_tokens

    def _grammar(self, asked: GrammarType) -> Grammar:
        if isinstance(asked, RegexGrammar):
            return self._compiler.regex(asked.value)
        if isinstance(asked, JsonGrammar):
            return self._compiler.json_schema(_schema(asked.value))
        named = asked.value or asked.json_schema
        if named is None:
            raise Invalid("grammar is not supported")
        return self._compiler.json_schema(named.schema_)


def _require(value: float | None, holds: Callable[[float], bool], text: str) -> None:
    if value is not None and not holds(value):
        raise Invalid(text)


def _schema(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise Invalid(f"grammar is not valid: {error}") from None
    if not isinstance(value, dict):
        raise Invalid("grammar is not supported")
    return value
