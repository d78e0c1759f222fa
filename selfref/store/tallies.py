"""What is known of a tenant's judges: one hash a tenant, added to by the script that ends a pair, so it is exact.

Each kind of judging (model, preset, principle) has two fields: `<digest>`, the integers of `BiasCounts` packed into one
string (`scripts/parts/tally.lua` adds to it), and `<digest>:of`, what it is of. Beyond `MOST_KINDS` of them new ones
share the field `other`: principles are texts of callers, and must not grow Redis without bound.
"""

import hashlib
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

MOST_KINDS = 200  # per tenant and shard: half a megabyte where every principle is as long as may be
OTHER, OF = "other", ":of"
_FIELDS = tuple(BiasCounts.model_fields)
_LAYOUT = struct.Struct(f"<{len(_FIELDS)}Q")


@dataclass(frozen=True, slots=True)
class Tally:
    """What one pair adds, and to which kind of judging; None where that is not known."""

    kind: Judging | None
    counts: BiasCounts

    @classmethod
    def of(cls, work: Work, outcome: Judgment | Failure, *, model: str | None) -> Self:
        """What this end of a pair says of its judge; `model` is whose failure it is."""
        if isinstance(outcome, Judgment):
            model, counts = outcome.provenance.model, counts_of(outcome, work.comparison)
        else:
            counts = FAILED
        return cls(Judging(model=model, preset=work.preset, principle=work.comparison.principle), counts)

    def arguments(self) -> list[Argument]:
        """For the script that ends the pair: field, numbers, what the field is of, most kinds."""
        numbers = _LAYOUT.pack(*(getattr(self.counts, name) for name in _FIELDS))
        if self.kind is None:
            return [OTHER, numbers, "", MOST_KINDS]
        kind = orjson.dumps([self.kind.model, self.kind.preset.value, self.kind.principle])
        return [hashlib.sha256(kind).hexdigest()[:16], numbers, kind, MOST_KINDS]


class Tallies:
    """Every method raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._shards = shards

    async def read(self, tenant: str) -> dict[Judging | None, BiasCounts]:
        """The tenant's counts over all shards, by kind of judging; None is all that has no place of its own."""
        found: defaultdict[Judging | None, BiasCounts] = defaultdict(BiasCounts)
        for row in await self._pipeline.calls(("HGETALL", keys.tallies(tenant)) for keys in self._shards):
            fields = dict(zip(row[::2], row[1::2], strict=True))
            for field, numbers in fields.items():
                if not field.endswith(OF.encode()):
                    kind = fields.get(field + OF.encode())
                    found[_judging(kind) if kind else None] += _counts(numbers)
        return dict(found)


def _judging(kind: bytes) -> Judging:
    model, preset, principle = orjson.loads(kind)
    return Judging(model=model, preset=Preset(preset), principle=principle)


def _counts(numbers: bytes) -> BiasCounts:
    """What an older version wrote is shorter, what a newer one wrote is longer."""
    padded = numbers[: _LAYOUT.size].ljust(_LAYOUT.size, b"\0")
    return BiasCounts(**dict(zip(_FIELDS, _LAYOUT.unpack(padded), strict=True)))
