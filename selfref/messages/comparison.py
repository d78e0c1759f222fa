"""What comes in: a prompt, two answers and a principle, how to judge them, and the work that they become."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from selfref.messages.message import Identifier, Message, Text

DEFAULT_PRINCIPLE = "best for humanity"  # the paper's general principle
MAX_VOTES = 16  # sampled critiques per order; beyond this, published results get worse rather than better
DEFAULT_MAX_VOTES = 8  # critiques per order that votes `auto` may take


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


def counted_or_auto(votes: object, handler: ValidatorFunctionWrapHandler) -> object:
    """One complaint in words, where a union would have one for each of its branches."""
    try:
        return handler(votes)
    except ValidationError:
        raise ValueError(f"must be a whole number from 1 to {MAX_VOTES}, or 'auto'") from None


Counted: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=MAX_VOTES)]
Votes: TypeAlias = Annotated[Counted | Literal["auto"], WrapValidator(counted_or_auto)]


def require_auto(votes: int | str | None, max_votes: int | None) -> None:
    """A budget is for votes that are not counted beforehand; raises ValueError where they are."""
    if max_votes is not None and votes != "auto":
        raise ValueError("a budget is for votes 'auto' alone; send \"votes\": \"auto\", or drop 'max_votes'")


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

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """The same comparison with every text changed, the principle and a reference too."""
        prompt = self.prompt
        if isinstance(prompt, str):
            prompt = change(prompt)
        else:
            prompt = tuple(turn.model_copy(update={"content": change(turn.content)}) for turn in prompt)
        reference = None if self.reference is None else change(self.reference)
        texts = {name: change(getattr(self, name)) for name in ("answer_a", "answer_b", "principle")}
        return self.model_copy(update={"prompt": prompt, "reference": reference, **texts})

    def conversation(self) -> tuple[ChatMessage, ...]:
        """The prompt as chat messages, ending with the user's turn."""
        if isinstance(self.prompt, str):
            return (ChatMessage(role="user", content=self.prompt),)
        return self.prompt


class JudgeRequest(Comparison):
    """The body of `POST /judge`: a comparison and how to judge it."""

    preset: Preset | None = Field(default=None, description="`reference` where one is given, else `self-reference`")
    votes: Votes | None = Field(
        default=None,
        description="sampled critiques per order; `auto`: as many as it takes; absent: one greedy critique per order",
    )
    max_votes: Counted | None = Field(
        default=None, description=f"most critiques per order of votes `auto`; absent: {DEFAULT_MAX_VOTES}"
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
        require_auto(self.votes, self.max_votes)
        return self

    def comparison(self) -> Comparison:
        """What is compared, without how."""
        return Comparison.model_validate({name: getattr(self, name) for name in Comparison.model_fields})

    def effective_preset(self) -> Preset:
        """The preset asked for, or the one that the given texts imply."""
        return self.preset or (Preset.REFERENCE if self.reference is not None else Preset.SELF_REFERENCE)


class Check(Message):
    """What makes a pair a check of its judge: its outcome is part of a job's reliability, and never a label."""

    kind: Literal["aa", "repeat", "gold"] = Field(
        description="twice the same answer; a pair once more; a pair whose better answer the caller knows"
    )
    of: int | None = Field(default=None, description="number of the pair that a `repeat` repeats")
    better: Literal["A", "B"] | None = Field(default=None, description="the better answer of a `gold` pair")


class Work(Message):
    """One accepted pair on its way to a worker."""

    version: Literal[1] = 1
    id: str
    tenant: str
    lane: Lane
    comparison: Comparison
    preset: Preset
    votes: int | Literal["auto"] = 1
    max_votes: int = DEFAULT_MAX_VOTES  # critiques per order, for votes `auto`
    markers: Markers = Markers.REFUSE
    custom_id: str | None = None
    job_id: str | None = None
    flags: tuple[str, ...] = ()
    check: Check | None = None
    repeated: bool = False  # a later check of the job is this pair once more, so its verdict is kept for comparing
    created_at: datetime
