"""The bodies of the OpenAI-shaped routes as text-generation-inference speaks them (router/src/lib.rs)."""

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field

from engine.wire import GrammarType, SimpleToken, Unsigned32, Unsigned64, Wire


class TextPart(Wire):
    """One part of a message; this engine reads text only."""

    type: Literal["text"]
    text: str


class ChatMessage(Wire):
    """One turn."""

    role: str
    content: str | list[TextPart] | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        """The content as one string."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(Wire):
    """`include_usage`: the last event carries the token counts."""

    include_usage: bool = False


class ChatRequest(Wire):
    """The body of `/v1/chat/completions` and `/chat_tokenize`. Greedy only at temperature 0, as in TGI."""

    model: str | None = None
    messages: list[ChatMessage]
    frequency_penalty: float | None = None
    logit_bias: Any = Field(default=None, description="unused")
    logprobs: bool | None = None
    top_logprobs: Unsigned32 | None = None
    max_tokens: Unsigned32 | None = Field(
        default=None, validation_alias=AliasChoices("max_tokens", "max_completion_tokens")
    )
    n: Unsigned32 | None = Field(default=None, description="unused")
    presence_penalty: float | None = None
    stop: list[str] | None = None
    stream: bool = False
    seed: Unsigned64 | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[Any] | None = None
    response_format: GrammarType | None = None
    stream_options: StreamOptions | None = None


class TopLogprob(BaseModel):
    """One of the likeliest tokens at a place."""

    token: str
    logprob: float


class TokenLogprob(TopLogprob):
    """A generated token and the likeliest tokens at its place."""

    top_logprobs: list[TopLogprob]


class Logprobs(BaseModel):
    """Log-probabilities of generated tokens."""

    content: list[TokenLogprob]


class OutputMessage(BaseModel):
    """What the model said."""

    role: Literal["assistant"] = "assistant"
    content: str


class Usage(BaseModel):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatChoice(BaseModel):
    """The one choice of an answer."""

    index: int = 0
    message: OutputMessage
    logprobs: Logprobs | None
    finish_reason: str


class ChatCompletion(BaseModel):
    """The answer of `/v1/chat/completions`."""

    object: Literal["chat.completion"] = "chat.completion"
    id: str = ""
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: Usage


class Delta(BaseModel):
    """What one event adds; special tokens add nothing."""

    role: Literal["assistant"] = "assistant"
    content: str


class ChunkChoice(BaseModel):
    """The one choice of an event."""

    index: int = 0
    delta: Delta
    logprobs: Logprobs | None
    finish_reason: str | None


class ChatCompletionChunk(BaseModel):
    """One event of a chat stream."""

    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    id: str = ""
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


class ChatTokenizeResponse(BaseModel):
    """The answer of `/chat_tokenize`."""

    tokenize_response: list[SimpleToken]
    templated_text: str


class CompletionRequest(Wire):
    """The body of `/v1/completions`."""

    model: str | None = None
    prompt: str | list[str]
    max_tokens: Unsigned32 | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool = False
    seed: Unsigned64 | None = None
    suffix: str | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: list[str] | None = None
    stream_options: StreamOptions | None = None


class CompletionChoice(BaseModel):
    """One prompt's text. TGI never fills `logprobs` here."""

    index: int
    text: str
    logprobs: None = None
    finish_reason: str


class Completion(BaseModel):
    """The answer of `/v1/completions`; a stream sends one per token, without usage."""

    object: Literal["text_completion"] = "text_completion"
    id: str = ""
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: Usage | None = Field(default=None, exclude_if=lambda usage: usage is None)
