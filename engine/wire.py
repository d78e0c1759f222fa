"""The bodies of text-generation-inference's native routes, in and out (router/src/lib.rs).

Input types are strict, as serde is: a number in quotes is refused. Unknown fields are ignored, as TGI does. What TGI
omits when empty is omitted: serialise with `without_absent`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Unsigned = Annotated[int, Field(ge=0)]
Unsigned32 = Annotated[int, Field(ge=0, lt=2**32)]
Unsigned64 = Annotated[int, Field(ge=0, lt=2**64)]
FinishReason = Literal["length", "eos_token", "stop_sequence"]


class Wire(BaseModel):
    """The parent of request bodies."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, protected_namespaces=())


class RegexGrammar(Wire):
    """The text matches a regular expression."""

    type: Literal["regex"]
    value: str


class JsonGrammar(Wire):
    """The text is JSON that fits a schema, given as an object or as a string of JSON."""

    type: Literal["json", "json_object"]
    value: Any


class NamedSchema(Wire):
    """OpenAI's wrapping of a schema."""

    name: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")


class JsonSchemaGrammar(Wire):
    """The text is JSON that fits a schema, in OpenAI's wrapping."""

    type: Literal["json_schema"]
    value: NamedSchema | None = None
    json_schema: NamedSchema | None = None


GrammarType = Annotated[RegexGrammar | JsonGrammar | JsonSchemaGrammar, Field(discriminator="type")]


class GenerateParameters(Wire):
    """How to generate. Left out altogether, `do_sample` is true; given as `{}`, it is false."""

    best_of: Unsigned | None = None
    temperature: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    typical_p: float | None = None
    do_sample: bool = False
    max_new_tokens: Unsigned32 | None = None
    return_full_text: bool | None = None
    stop: list[str] = []
    truncate: Unsigned | None = None
    watermark: bool = False
    details: bool = False
    decoder_input_details: bool = False
    seed: Unsigned64 | None = None
    top_n_tokens: Unsigned32 | None = None
    grammar: GrammarType | None = None
    adapter_id: str | None = None


class GenerateRequest(Wire):
    """The body of `/generate`, `/generate_stream` and `/tokenize`."""

    inputs: str = Field(examples=["My name is Olivier and I"])
    parameters: GenerateParameters = Field(default_factory=lambda: GenerateParameters(do_sample=True))


class CompatRequest(GenerateRequest):
    """The body of `POST /`."""

    stream: bool = False


class Token(BaseModel):
    """A generated token; its log-probability is that of the distribution it was chosen from."""

    id: int
    text: str
    logprob: float
    special: bool


class PrefillToken(BaseModel):
    """A prompt token; the first has no log-probability."""

    id: int
    text: str
    logprob: float | None


class SimpleToken(BaseModel):
    """A token of `/tokenize` and where it lies in the text, in characters."""

    id: int
    text: str
    start: int
    stop: int


class GeneratedDetails(BaseModel):
    """What `best_of` sequences and details have in common."""

    finish_reason: FinishReason
    generated_tokens: int
    seed: int | None
    prefill: list[PrefillToken]
    tokens: list[Token]
    top_tokens: list[list[Token]] = Field(default=[], exclude_if=lambda rows: not rows)


class BestOfSequence(GeneratedDetails):
    """One of the texts that `best_of` did not choose."""

    generated_text: str


class Details(GeneratedDetails):
    """Everything about a generated text."""

    best_of_sequences: list[BestOfSequence] = Field(default=[], exclude_if=lambda sequences: not sequences)


class GenerateResponse(BaseModel):
    """The answer of `/generate`."""

    generated_text: str
    details: Details | None = Field(default=None, exclude_if=lambda details: details is None)


class StreamDetails(BaseModel):
    """The details in the last event of a stream."""

    finish_reason: FinishReason
    generated_tokens: int
    seed: int | None
    input_length: int


class StreamResponse(BaseModel):
    """One event of a stream."""

    index: int
    token: Token
    top_tokens: list[Token] = Field(default=[], exclude_if=lambda tokens: not tokens)
    generated_text: str | None = None
    details: StreamDetails | None = None


class ErrorResponse(BaseModel):
    """Every JSON error."""

    error: str
    error_type: str


class Info(BaseModel):
    """The answer of `/info`."""

    model_config = ConfigDict(protected_namespaces=())

    model_id: str
    model_sha: str | None
    model_dtype: str
    model_device_type: str
    model_pipeline_tag: str | None
    max_concurrent_requests: int
    max_best_of: int
    max_stop_sequences: int
    max_input_tokens: int
    max_total_tokens: int
    validation_workers: int
    max_client_batch_size: int
    router: str
    version: str
    sha: str | None
    docker_label: str | None
