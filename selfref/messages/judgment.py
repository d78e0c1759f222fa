"""What a pair comes to: waiting, and in the end exactly one of a judgment, a failure or a cancellation."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import Field, TypeAdapter

from selfref.messages.comparison import Preset, Work
from selfref.messages.message import Message

ESCAPED_MARKERS = "escaped_markers"  # flag of a pair in which a text was rewritten
ODDS_OPPOSE_VOTES = "odds_oppose_votes"  # flag of a majority that the mean of the odds contradicts


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

    @classmethod
    def of(cls, pair: "Work | State") -> Self:
        """How a pair stands that has just been accepted, or that waits once more."""
        return cls(id=pair.id, custom_id=pair.custom_id, job_id=pair.job_id, created_at=pair.created_at)


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
