"""What every message has in common: immutable, strict about unknown fields, and made of text that can be stored."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def storable(text: str) -> str:
    """The text itself; raises ValueError, which says what to do, where it cannot be stored or sent as UTF-8."""
    if "\x00" in text:
        raise ValueError("contains a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair; send valid Unicode") from None
    return text


Text = Annotated[str, AfterValidator(storable)]
Identifier = Annotated[Text, Field(min_length=1, max_length=256)]


class Message(BaseModel):
    """The parent of everything in this module: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)  # errors are logged, texts never


def now() -> datetime:
    """The present, in UTC; the one clock that messages are stamped with."""
    return datetime.now(UTC)
