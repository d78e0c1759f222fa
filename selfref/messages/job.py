"""An upload of many pairs, seen from the outside: what was asked, how far it is, and what went wrong in which line."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, WrapValidator, model_validator

from selfref.messages.comparison import MAX_VOTES, JudgeRequest, Markers, Preset, counted_or_auto, require_auto
from selfref.messages.judgment import Judgment, Usage
from selfref.messages.message import Message, Text

_Counted = Annotated[int, Field(ge=1, le=MAX_VOTES)]  # not strict: it may come as the text of a query
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class JobStatus(StrEnum):
    """Where a job is; the last three are final, except that a retry makes a completed job run again."""

    VALIDATING = "validating"  # accepted and safe; its lines are being read
    RUNNING = "running"
    COMPLETED = "completed"  # every pair has ended
    CANCELED = "canceled"
    FAILED = "failed"  # too many of its lines were refused: nothing of it was judged

    @property
    def ended(self) -> bool:
        """True when nothing more will happen by itself."""
        return self in (JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.FAILED)


class JobOptions(Message):
    """What the caller chose for a whole upload; a line that says otherwise goes first."""

    name: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    principle: Annotated[Text, Field(min_length=1, max_length=2000)] | None = None
    preset: Preset | None = None
    votes: Annotated[_Counted | Literal["auto"], WrapValidator(counted_or_auto)] | None = None
    max_votes: _Counted | None = None
    markers: Markers | None = None
    max_refused: Share = Field(default=0.1, description="share of lines that may be refused before the job fails")
    canaries: Annotated[float, Field(ge=0, le=0.2, allow_inf_nan=False)] = Field(
        default=0.0, description="hidden checks to add, as a share of the pairs; reported, and never made a label"
    )

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        require_auto(self.votes, self.max_votes)
        return self


class JobLine(JudgeRequest):
    """One line of an upload. A pair with `gold` checks the judge: it is reported and never made a label."""

    gold: Literal["A", "B"] | None = None


class LineCounts(Message):
    """Lines of the upload, blank ones left out: total = pairs + duplicates + gold + refused."""

    total: int
    pairs: int = Field(description="different comparisons, each judged once")
    duplicates: int = Field(description="the same comparison as an earlier line's, whose outcome they share")
    gold: int
    refused: int


class JobCounts(Message):
    """Pairs of the job: submitted = decided + tie + inconsistent + failed + canceled + waiting, at any time."""

    submitted: int = 0
    decided: int = 0
    tie: int = 0
    inconsistent: int = 0
    failed: int = 0
    canceled: int = 0
    waiting: int = 0


class LineError(Message):
    """A line that was refused, or whose pair could not be judged. `line` counts from 1, as editors do."""

    line: int
    custom_id: str | None
    code: str
    param: str | None = None
    message: str = Field(description="what is wrong and what to do about it")
    retryable: bool


class Reliability(Message):
    """What the hidden checks of a job say of its judge; each share is null while there is nothing to divide by."""

    pending: int = Field(description="checks that have not ended")
    failed: int = Field(description="checks that could not be judged")
    same_answers: int = Field(description="pairs of twice the same answer that were judged")
    same_answers_decided: int = Field(description="of these, how many got a preference that cannot be")
    repeats: int = Field(description="pairs that were judged a second time")
    repeats_agreeing: int = Field(description="of these, how many got the same verdict again")
    gold: int = Field(description="judged pairs whose better answer the caller knows")
    gold_right: int = Field(description="of these, how many were decided as the caller knows")


class Job(Message):
    """An upload and how far it is."""

    version: Literal[1] = 1
    id: str
    name: str | None
    status: JobStatus
    created_at: datetime
    started_at: datetime | None = Field(description="when its lines had been read")
    ended_at: datetime | None
    options: JobOptions
    bytes: int = Field(description="size of the upload, decompressed")
    lines: LineCounts | None = Field(description="null until its lines have been read")
    counts: JobCounts
    usage: Usage
    pairs_per_second: float | None = Field(description="over the last minute; null while unknown")
    eta_seconds: float | None = Field(description="until the last pair ends at that rate; null while unknown")
    errors: tuple[LineError, ...] = Field(description="the first errors; the errors list has all")
    reason: str | None = Field(description="why the job failed")
    reliability: Reliability | None = Field(description="null for a job without hidden checks")


class JobResult(Judgment):
    """A judgment of a job's pair, once for every line that holds the pair."""

    line: int
    duplicate_of: int | None = Field(default=None, description="the earlier line with the same comparison")
