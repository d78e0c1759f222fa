"""`GET /stats`: what a tenant's judgments say of their judge, exactly, however many workers made them."""

from collections.abc import Mapping
from functools import reduce
from operator import add

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from selfref.bias import Judging
from selfref.messages import BiasCounts, BiasGroup, BiasRates, Stats
from service import description
from service.gateway import Gateway

router = APIRouter(tags=["stats"])


@router.get("/stats", **description.STATS)
async def read_stats(request: Request) -> Response:
    """The caller's own pairs, in counts and rates."""
    gateway = Gateway.of(request)
    stats = stats_of(await gateway.store.tallies.read(gateway.tenant(request)))
    return Response(stats.model_dump_json(), media_type="application/json")


def stats_of(found: Mapping[Judging | None, BiasCounts]) -> Stats:
    """The whole and its groups; None is what has no place of its own."""
    whole = reduce(add, found.values(), BiasCounts())
    groups = [_group(judging, counts) for judging, counts in found.items()]
    groups.sort(key=lambda group: (-_pairs(group.counts), group.model or "", group.preset or "", group.principle or ""))
    return Stats(counts=whole, rates=BiasRates.of(whole), groups=tuple(groups))


def _group(judging: Judging | None, counts: BiasCounts) -> BiasGroup:
    return BiasGroup(
        model=judging and judging.model,
        preset=judging and judging.preset,
        principle=judging and judging.principle,
        principle_label=judging and judging.label,
        counts=counts,
        rates=BiasRates.of(counts),
    )


def _pairs(counts: BiasCounts) -> int:
    return counts.judged + counts.failed + counts.identical
