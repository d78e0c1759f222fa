"""The preference rows that TRL's RewardTrainer and DPOTrainer and OpenRLHF's train_rm read.

Both read the same columns. A row is always conversational, also where the prompt was sent as one text: the judge saw it
as a user's turn, a text would be joined to the answer without anything between, and a file that mixes texts with
messages is spoilt by `datasets` without an error (it turns the messages into texts of JSON). Every row holds every
column, none of them null, because a column that begins with nulls gets the type null.
"""

from typing import TypedDict

from selfref.messages import Label, Prompt


class Turn(TypedDict):
    """One turn of a conversation, as chat templates take it."""

    role: str
    content: str


class PreferenceRow(TypedDict):
    """One decided pair. Both trainers ignore `id`, which leads back to the judgment."""

    prompt: list[Turn]
    chosen: list[Turn]
    rejected: list[Turn]
    margin: float
    id: str


def preference_row(label: Label) -> PreferenceRow | None:
    """The row of a decided pair; None for a tie and for a judge that contradicted itself."""
    if label.chosen is None or label.rejected is None:
        return None
    return PreferenceRow(
        prompt=turns_of(label.prompt),
        chosen=[Turn(role="assistant", content=label.chosen)],
        rejected=[Turn(role="assistant", content=label.rejected)],
        margin=label.margin,
        id=label.id,
    )


def turns_of(prompt: Prompt) -> list[Turn]:
    """A prompt as messages; one text is one turn of the user."""
    if isinstance(prompt, str):
        return [Turn(role="user", content=prompt)]
    return [Turn(role=message.role, content=message.content) for message in prompt]
