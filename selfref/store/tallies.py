"""What is known of a tenant's judges: one hash a tenant, added to by the script that ends a pair, so it is exact.

A field is a kind of judging (model, preset, principle) as JSON, its value the integers of `BiasCounts` packed into one
string, to which `scripts/parts/tally.lua` adds. Beyond 200 kinds new ones share the field `other`: principles are texts
of callers, and must not grow Redis without bound.
"""

import struct
from collections import defaultdict
from dataclasses import dataclass
from typing import Self

import orjson

from selfref.bias import FAILED, Judging, counts_of
from selfref.messages import BiasCounts, Failure, Judgment, Preset, Work
from selfref.store.keys import Shards
from selfref.store.pipeline import Pipeline
from selfref.store.wire import Argument

_OTHER = b"other"
_FIELDS = tuple(BiasCounts.model_fields)
_LAYOUT = struct.Struct(f"<{len(_FIELDS)}Q")  # as the script has it


@dataclass(frozen=True, slots=True)
class Tally:
    """What one pair adds, and to which kind of judging; None where that is not known."""

    judging: Judging | None
    counts: BiasCounts

    @classmethod
    def of(cls, work: Work, outcome: Judgment | Failure, *, model: str | None) -> Self:
        """What this end of a pair says of its judge; `model` is whose failure it is."""
        if isinstance(outcome, Judgment):
            model, counts = outcome.provenance.model, counts_of(outcome, work.comparison)
        else:
            counts = FAILED
        return cls(Judging.by(model, work.preset, work.comparison.principle), counts)

    def arguments(self) -> list[Argument]:
        """For the script that ends the pair: the field, and the numbers to add."""
        numbers = _LAYOUT.pack(*(getattr(self.counts, name) for name in _FIELDS))
        return [_OTHER if self.judging is None else _field(self.judging), numbers]


class Tallies:
    """Every method raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._shards = shards

    async def read(self, tenant: str) -> dict[Judging | None, BiasCounts]:
        """The tenant's counts over all shards, by kind of judging; None is all that has no place of its own."""
        found: defaultdict[Judging | None, BiasCounts] = defaultdict(BiasCounts)
        for row in await self._pipeline.calls(("HGETALL", keys.tallies(tenant)) for keys in self._shards):
            for field, numbers in zip(row[::2], row[1::2], strict=True):
                found[_judging(field)] += _counts(numbers)
        return dict(found)


def _field(judging: Judging) -> bytes:
    return orjson.dumps([judging.model, judging.preset.value, judging.label, judging.principle])


def _judging(field: bytes) -> Judging | None:
    if field == _OTHER:
        return None
    model, preset, label, principle = orjson.loads(field)
    return Judging(model=model, preset=Preset(preset), label=label, principle=principle)


def _counts(numbers: bytes) -> BiasCounts:
    """What an older version wrote is shorter, what a newer one wrote is longer."""
    padded = numbers[: _LAYOUT.size].ljust(_LAYOUT.size, b"\0")
    return BiasCounts(**dict(zip(_FIELDS, _LAYOUT.unpack(padded), strict=True)))
