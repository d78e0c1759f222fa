"""What the method needs from an engine, and nothing else.

Four calls: say what you are, render and count a chat, generate a turn, read the verdict. Adapters know dialects of
HTTP; the method knows none. Every call raises only the classes of `worker.errors`, and none retries by itself: whoever
owns the pace wraps an engine in another one that does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from selfref.messages import ChatMessage, Usage

LABELS = ("A", "B")  # of the answer shown first and of the one shown second


@dataclass(frozen=True, slots=True)
class VerdictTexts:
    """How a verdict is asked for, once a critique stands in the chat."""

    opening: str  # continues the critique and ends just before the label, without a trailing space
    question: str  # a further user turn, for engines that cannot continue an assistant turn; ends in `Verdict: X`


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a turn is sampled; the default is greedy decoding, which has no randomness to seed."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None

    @property
    def greedy(self) -> bool:
        """True where the most probable token is always taken."""
        return self.temperature == 0.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two engines the same judge."""

    model: str
    revision: str | None
    dtype: str | None
    chat_template: str | None

    def __str__(self) -> str:
        return f"{self.model} ({self.revision}, {self.dtype}, chat template {self.chat_template})"


@dataclass(frozen=True, slots=True)
class Description:
    """Who the engine is and what it can do, as its start-up self-test found it."""

    engine: str
    version: str | None
    model: str
    revision: str | None
    dtype: str | None
    method: str  # how verdicts are read: `verdict-token`, `constrained-choice` or `last-line`
    max_tokens: int | None  # prompt and completion together; None: the engine does not tell
    counts_tokens: bool  # does `prepare` know lengths?
    opening_tokens: int  # what the verdict costs beyond the critique
    chat_template: str | None  # digest of a fixed chat as this engine renders it; None where it does not show
    max_concurrency: int | None = None  # calls the engine takes at once, where it says so
    details: dict[str, object] = field(default_factory=dict)  # label ids and the like, for provenance and `doctor`

    @property
    def identity(self) -> Identity:
        """Which judge this is."""
        return Identity(self.model, self.revision, self.dtype, self.chat_template)

    @property
    def reads_log_probs(self) -> bool:
        """True where a verdict has a strength."""
        return self.method == "verdict-token"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat, ready to be continued by the assistant."""

    messages: tuple[ChatMessage, ...]
    text: str | None  # rendered with the model's own template, where the engine shows it
    tokens: int | None  # None where the engine cannot count


@dataclass(frozen=True, slots=True)
class Generation:
    """A turn that the model wrote, as it wrote it (not stripped)."""

    text: str
    finish_reason: Literal["stop", "length"]
    usage: Usage
    queued: float | None = None  # seconds the call waited inside the engine, where it tells

    @property
    def cut(self) -> bool:
        """True where the token limit ended the turn and not the model."""
        return self.finish_reason == "length"


@dataclass(frozen=True, slots=True)
class LabelLogProbs:
    """Natural log-probabilities of the two labels, as the next token after the verdict's opening."""

    first: float  # of the label of the answer shown first
    second: float
    mass: float | None  # probability of both labels together; None where only their ratio is known
    usage: Usage
    queued: float | None = None


@dataclass(frozen=True, slots=True)
class LabelChoice:
    """The label itself, from an engine that gives no log-probabilities."""

    first: bool  # True: the answer shown first
    usage: Usage
    queued: float | None = None


class Engine(Protocol):
    """A chat model behind a server; safe to call from many tasks of one event loop."""

    def describe(self) -> Description:
        """What the self-test found when the engine was opened; it never changes."""
        ...

    async def identity(self) -> Identity:
        """Which judge the server is by its own word now; no token is generated."""
        ...

    async def prepare(self, messages: Sequence[ChatMessage]) -> Prompt:
        """The chat in the engine's own template, its generation prompt included, with its tokens counted."""
        ...

    async def generate(self, prompt: Prompt, *, sampling: Sampling, max_new_tokens: int) -> Generation:
        """The assistant's next turn."""
        ...

    async def read_verdict(self, prompt: Prompt, critique: Generation) -> LabelLogProbs | LabelChoice:
        """The verdict that follows this critique of this prompt; raises `UnreadableVerdict` rather than guess."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
