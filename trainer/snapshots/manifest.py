"""What a snapshot says of itself. Nothing in it depends on when or how often it was begun, so it can be compared."""

import hashlib
from typing import Annotated, Literal, Self

import orjson
from pydantic import Field, model_validator

from selfref.messages import Message
from trainer.snapshots.sieve import Reason

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class FileDigests(Message):
    """One Parquet file of a snapshot."""

    rows: Count
    sha256: str = Field(description="of the file, which another version of pyarrow would write differently")
    content_sha256: str = Field(description="of its labels: JSON with sorted keys, each followed by a line feed")


class Manifest(Message):
    """The contents of `manifest.json`; `cursor` continues exactly behind `last_id`."""

    version: Literal[1] = 1
    number: Annotated[int, Field(ge=1)]
    previous: str | None = Field(description="digest of the manifest before, null in the first")
    cursor: str
    size: Annotated[int, Field(ge=1, description="labels asked for; more than `consumed` where the rest was taken")]
    consumed: Annotated[int, Field(ge=1, description="labels of the feed, kept or dropped")]
    first_id: str
    last_id: str
    keep_ties: bool
    heldout_share: Share
    split_rule: str
    train: FileDigests
    heldout: FileDigests
    dropped: dict[Reason, Count]
    principles: dict[str, Count] = Field(description="consumed labels by the principle that they were judged by")
    provenances: dict[str, Count] = Field(description="consumed labels by the digest of how they were judged")

    @model_validator(mode="after")
    def _every_label_is_accounted_for(self) -> Self:
        if self.train.rows + self.heldout.rows + sum(self.dropped.values()) != self.consumed:
            raise ValueError("rows and dropped labels do not add up to the labels consumed")
        return self

    def encode(self) -> bytes:
        """The bytes of the file: always the same for the same manifest."""
        return orjson.dumps(
            self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the file, by which the next manifest names this one."""
        return hashlib.sha256(self.encode()).hexdigest()
