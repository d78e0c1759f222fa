"""Everything that crosses a process, as frozen and versioned pydantic models.

What comes in is a `Comparison` (inside a `JudgeRequest`); what travels to a worker is `Work`; what ends it is exactly
one of `Judgment`, `Failure` or `Cancellation`; what a trainer reads is a `Label`, and only a judgment ever makes one.
Unknown fields are refused: a misspelt option that is silently ignored becomes thousands of wrong labels.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

DEFAULT_PRINCIPLE = "best for humanity"  # the paper's general principle
MAX_VOTES = 16  # sampled critiques per order; beyond this, published results get worse rather than better


class Lane(StrEnum):
    """Which work stream a pair waits in."""

    INTERACTIVE = "hi"
    BATCH = "lo"


class Preset(StrEnum):
    """How a judgment is made, in one word."""

    SELF_REFERENCE = "self-reference"  # one shared reference, two greedy critiques, two verdict reads
    PAPER = "paper"  # the authors' protocol: four rounds, a fresh reference each, majority vote
    DIRECT = "direct"  # no reference: the ablation baseline
    REFERENCE = "reference"  # the caller's own reference


class Markers(StrEnum):
    """What to do with a chat template's own markers inside a text, the caller's or the model's."""

    REFUSE = "refuse"  # a caller's text is answered 422; a pair whose model writes one fails
    ESCAPE = "escape"  # rewritten so that it reads the same and is none; the judgment is flagged


class Verdict(StrEnum):
    """Which answer serves the principle better, once both orders have been heard."""

    A = "A"
    B = "B"
    TIE = "tie"
    INCONSISTENT = "inconsistent"

    @property
    def decided(self) -> bool:
        """True for the two verdicts that prefer an answer."""
        return self in (Verdict.A, Verdict.B)

    @property
    def swapped(self) -> "Verdict":
        """The same verdict with the answers' names exchanged."""
        return {Verdict.A: Verdict.B, Verdict.B: Verdict.A}.get(self, self)


ESCAPED_MARKERS = "escaped_markers"  # flag of a pair in which a text was rewritten


class FailureCode(StrEnum):
    """Why a pair could not be judged; a closed set, so that metrics and callers can count on it."""

    TOO_LONG = "too_long"
    UNREADABLE_VERDICT = "unreadable_verdict"
    MARKERS_IN_MODEL_TEXT = "markers_in_model_text"
    ENGINE_REJECTED = "engine_rejected"
    ENGINE_FAILED = "engine_failed"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    CRASHED_WORKERS = "crashed_workers"
    UNDECODABLE = "undecodable"


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("contains a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair; send valid Unicode") from None
    return text


Text = Annotated[str, AfterValidator(_printable)]
Identifier = Annotated[Text, Field(min_length=1, max_length=256)]


class Message(BaseModel):
    """The parent of everything in this module: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)  # errors are logged, texts never


class ChatMessage(Message):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[Text, Field(min_length=1)]


def _conversation(prompt: "str | Sequence[ChatMessage]") -> "str | Sequence[ChatMessage]":
    if isinstance(prompt, str):
        if not prompt.strip():
            raise ValueError("is empty; send the text that both answers respond to")
        return prompt
    turns = [message.role for message in prompt]
    if turns[:1] == ["system"]:
        turns = turns[1:]
    if turns != ["user" if index % 2 == 0 else "assistant" for index in range(len(turns))] or turns[-1:] != ["user"]:
        raise ValueError("must alternate user and assistant (after an optional system message) and end with the user")
    return prompt


Prompt = Annotated[Text | tuple[ChatMessage, ...], AfterValidator(_conversation)]


class Comparison(Message):
    """A prompt, two candidate answers in positions A and B, and the principle that decides between them."""

    prompt: Prompt
    answer_a: Text
    answer_b: Text
    principle: Annotated[Text, Field(min_length=1, max_length=2000)] = DEFAULT_PRINCIPLE
    reference: Text | None = None

    def swapped(self) -> Self:
        """The same comparison with the two answers in each other's place."""
        return self.model_copy(update={"answer_a": self.answer_b, "answer_b": self.answer_a})

    def conversation(self) -> tuple[ChatMessage, ...]:
        """The prompt as chat messages, ending with the user's turn."""
        if isinstance(self.prompt, str):
            return (ChatMessage(role="user", content=self.prompt),)
        return self.prompt


class JudgeRequest(Comparison):
    """The body of `POST /judge`: a comparison and how to judge it."""

    preset: Preset | None = Field(default=None, description="`reference` where one is given, else `self-reference`")
    votes: Annotated[int, Field(strict=True, ge=1, le=MAX_VOTES)] | None = Field(
        default=None, description="sampled critiques per order; absent: one greedy critique per order"
    )
    custom_id: Identifier | None = None
    markers: Markers = Markers.REFUSE

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        if self.preset is Preset.REFERENCE and self.reference is None:
            raise ValueError("preset 'reference' needs a 'reference' text")
        if self.reference is not None and self.preset not in (None, Preset.REFERENCE):
            raise ValueError(f"preset '{self.preset}' does not use 'reference'; drop one of the two")
        if self.preset is Preset.PAPER and self.votes is not None:
            raise ValueError("preset 'paper' fixes its own four rounds; drop 'votes'")
        return self

    def comparison(self) -> Comparison:
        """What is compared, without how."""
        return Comparison.model_validate({name: getattr(self, name) for name in Comparison.model_fields})

    def effective_preset(self) -> Preset:
        """The preset asked for, or the one that the given texts imply."""
        return self.preset or (Preset.REFERENCE if self.reference is not None else Preset.SELF_REFERENCE)


class Work(Message):
    """One accepted pair on its way to a worker."""

    version: Literal[1] = 1
    id: str
    tenant: str
    lane: Lane
    comparison: Comparison
    preset: Preset
    votes: int = 1
    markers: Markers = Markers.REFUSE
    custom_id: str | None = None
    job_id: str | None = None
    flags: tuple[str, ...] = ()
    created_at: datetime


class Perplexity(Message):
    """exp(mean negative log-likelihood) of each verdict statement in its context; 1 is certainty."""

    a: float
    b: float


class Reference(Message):
    """The answer that the critiques were measured against."""

    text: str
    source: Literal["model", "caller"]
    cached: bool = False


class OrderReading(Message):
    """One critique and its verdict, with one of the answers shown first, in terms of the caller's own A and B."""

    first: Literal["A", "B"]
    verdict: Literal["A", "B", "tie"]
    log_odds_a: float | None = Field(description="nats, answer A over answer B; null on an engine without log-probs")
    semantic_perplexity: Perplexity | None
    label_mass: float | None = Field(default=None, description="probability of the two labels together, in [0, 1]")
    critique: str
    reference: Reference | None = Field(default=None, description="only where each round has its own (preset `paper`)")


class VoteCounts(Message):
    """How many readings went each way."""

    a: int
    b: int
    tie: int


class Usage(Message):
    """What a judgment cost."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )


class Provenance(Message):
    """What is needed to make the same judgment again, and to know when two judgments are comparable."""

    engine: str
    engine_version: str | None = None
    model: str
    revision: str | None = None
    dtype: str | None = None
    template: str = Field(description="digest of the prompt files")
    method: str = Field(description="how the verdict was read, e.g. `verdict-token`")
    parameters: dict[str, Any] = Field(default_factory=dict)
    calibration: str | None = Field(default=None, description="digest of the calibration; null: uncalibrated")

    def digest(self) -> str:
        """A short digest that is equal exactly when the provenance is."""
        canonical = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(canonical).hexdigest()[:16]


class _State(Message):
    version: Literal[1] = 1
    id: str
    custom_id: str | None = None
    job_id: str | None = None
    created_at: datetime


class Waiting(_State):
    """Accepted, and not ended yet."""

    status: Literal["waiting"] = "waiting"


class Judgment(_State):
    """The judge has decided, found a tie, or contradicted itself; the only outcome that makes a label."""

    status: Literal["judged"] = "judged"
    verdict: Verdict
    probability_a: float | None
    strength: float | None
    log_odds: float | None = Field(description="nats, mean over orders and votes, before calibration")
    position_bias: float | None = Field(description="nats towards the answer shown first")
    orders: tuple[OrderReading, ...]
    votes: VoteCounts
    reference: Reference | None
    principle: str
    preset: Preset
    flags: tuple[str, ...] = ()
    usage: Usage
    provenance: Provenance
    finished_at: datetime


class FailureReason(Message):
    """Why a pair was not judged, and whether trying again can help."""

    code: FailureCode
    message: str
    retryable: bool
    attempts: int = Field(description="judging attempts that failed")
    deliveries: int = Field(default=1, description="workers that took the pair and vanished, and the last one")


class Failure(_State):
    """The pair could not be judged. Never a tie, never a label."""

    status: Literal["failed"] = "failed"
    error: FailureReason
    finished_at: datetime


class Cancellation(_State):
    """The caller withdrew the pair before it was judged."""

    status: Literal["canceled"] = "canceled"
    finished_at: datetime


Outcome = Judgment | Failure | Cancellation
State = Annotated[Waiting | Judgment | Failure | Cancellation, Field(discriminator="status")]
STATE: TypeAdapter[State] = TypeAdapter(State)


class Label(Message):
    """One judged pair as a trainer reads it; `chosen` and `rejected` are null unless the verdict is decided."""

    version: Literal[1] = 1
    id: str
    prompt: Prompt
    answer_a: str
    answer_b: str
    verdict: Verdict
    probability_a: float | None
    strength: float | None
    chosen: str | None
    rejected: str | None
    margin: float
    principle: str
    provenance: str
    job_id: str | None = None
    custom_id: str | None = None

    @classmethod
    def of(cls, work: Work, judgment: Judgment, *, margin_max: float = 1.0) -> "Label":
        """The label that this judgment makes of its work; `margin` is `margin_max` times strength, 0 unless decided."""
        comparison, verdict = work.comparison, judgment.verdict
        answers = {Verdict.A: comparison.answer_a, Verdict.B: comparison.answer_b}
        return cls(
            id=work.id,
            prompt=comparison.prompt,
            answer_a=comparison.answer_a,
            answer_b=comparison.answer_b,
            verdict=verdict,
            probability_a=judgment.probability_a,
            strength=judgment.strength,
            chosen=answers.get(verdict),
            rejected=answers.get(verdict.swapped) if verdict.decided else None,
            margin=margin_max * (judgment.strength or 0.0) if verdict.decided else 0.0,
            principle=comparison.principle,
            provenance=judgment.provenance.digest(),
            job_id=work.job_id,
            custom_id=work.custom_id,
        )


def now() -> datetime:
    """The present, in UTC; the one clock that messages are stamped with."""
    return datetime.now(UTC)
