"""`GET /jobs/{id}/results` and `/errors`: readable from the first outcome on, in the order in which pairs ended."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from selfref.exports import Export, Format, export_as
from selfref.messages import Judgment, Label
from selfref.store import Entry, Position, StoredJob
from service.gateway import Gateway
from service.jobs import description
from service.jobs.by_line import Place, Told, by_line
from service.jobs.index import index_of
from service.jobs.line_errors import ErrorPlace, read_errors
from service.jobs.pages import ENOUGH_BYTES, MOST, page
from service.jobs.view import own_job
from service.spool.folder import Manifest
from service.spool.index import PairIndex, pair_number

AT_ONCE = 200  # outcomes read in one go; bounds what one answer can hold in memory, together with `ENOUGH_BYTES`

After = Annotated[str | None, Query(description="a `Selfref-Cursor` of an earlier answer")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="most lines to answer with")]
ResultFormat = Annotated[
    Literal["judgments", "trl", "openrlhf", "parquet"],
    Query(description="judgments as they are, or labels as a trainer reads them"),
]

router = APIRouter(tags=["jobs"])


@router.get("/jobs/{job_id}/results", **description.RESULTS)
async def read_results(
    request: Request,
    job_id: str,
    after: After = None,
    limit: Limit = 1000,
    format: ResultFormat = "judgments",  # noqa: A002 - the name that callers know
) -> Response:
    """The judgments of a job so far, behind a cursor; or what a trainer makes of them."""
    gateway = Gateway.of(request)
    job = await own_job(gateway, job_id, tenant=gateway.tenant(request))
    if format == "parquet":
        media_type = "application/vnd.apache.parquet"
        name = {"Content-Disposition": f'attachment; filename="{job_id}.parquet"'}
        return StreamingResponse(_parquet(gateway, job), media_type=media_type, headers=name)
    place = Place() if after is None else Place.decode(after)
    if job.lines is None:
        return page(request, [], cursor=place.encode())
    if format == "judgments":
        lines, place = await _judgments(gateway, job, after=place, limit=limit)
    else:
        lines, place = await _rows(gateway, job, export_as(Format(format)), after=place, limit=limit)
    return page(request, lines, cursor=place.encode())


@router.get("/jobs/{job_id}/errors", **description.ERRORS)
async def read_job_errors(request: Request, job_id: str, after: After = None, limit: Limit = 1000) -> Response:
    """The lines that were refused, then those whose pair could not be judged."""
    gateway = Gateway.of(request)
    job = await own_job(gateway, job_id, tenant=gateway.tenant(request))
    place = ErrorPlace() if after is None else ErrorPlace.decode(after)
    errors, place = await read_errors(gateway, job, after=place, limit=limit)
    return page(request, (each.model_dump_json().encode() + b"\n" for each in errors), cursor=place.encode())


async def _judgments(gateway: Gateway, job: StoredJob, *, after: Place, limit: int) -> tuple[list[bytes], Place]:
    """One line for every line of the upload whose pair was judged."""
    read = partial(_read, gateway, job)
    lines: list[bytes] = []
    with index_of(gateway, job) as index:
        while len(lines) < limit and sum(map(len, lines)) < ENOUGH_BYTES:
            told, after = await by_line(read, index, after=after, limit=min(AT_ONCE, limit - len(lines)))
            if not told:
                break
            lines += map(_result, told)
    return lines, after


async def _rows(
    gateway: Gateway, job: StoredJob, export: Export, *, after: Place, limit: int
) -> tuple[list[bytes], Place]:
    """One row for every judged pair that has one; a page of ties is empty, and its cursor moves on."""
    rows: list[bytes] = []
    async for position, labels in _labels(gateway, job, after=after.position, limit=limit):
        rows.append(await asyncio.to_thread(export.write, labels))
        after = Place(position)
        if sum(map(len, rows)) >= ENOUGH_BYTES:
            break
    return rows, after


async def _parquet(gateway: Gateway, job: StoredJob) -> AsyncIterator[bytes]:
    export = await asyncio.to_thread(export_as, Format.PARQUET)
    if job.lines is not None:
        async for _, labels in _labels(gateway, job, after=Position(), limit=None):
            yield await asyncio.to_thread(export.write, labels)
    yield await asyncio.to_thread(export.close)


async def _labels(
    gateway: Gateway, job: StoredJob, *, after: Position, limit: int | None
) -> AsyncIterator[tuple[Position, Sequence[Label]]]:
    """The labels of a job's judgments behind a position, some at a time, each time with the position of the last."""
    manifest = Manifest.model_validate_json(job.manifest)
    with index_of(gateway, job) as index:
        while limit is None or limit > 0:
            entries = await _read(gateway, job, after, AT_ONCE if limit is None else min(AT_ONCE, limit))
            if not entries:
                return
            after = entries[-1][0]
            limit = None if limit is None else limit - len(entries)
            yield after, await asyncio.to_thread(lambda: [_label(each, index, manifest) for _, each in entries])  # noqa: B023


async def _read(gateway: Gateway, job: StoredJob, after: Position, limit: int) -> list[Entry]:
    return await gateway.store.jobs.results(job.id, after=after, limit=limit)


def _label(outcome: bytes, index: PairIndex, manifest: Manifest) -> Label:
    """The label that the feed holds of this judgment: its texts are those of the upload."""
    judgment = Judgment.model_validate_json(outcome)
    return Label.of(index.work(pair_number(judgment.id), manifest).comparison, judgment)


def _result(told: Told) -> bytes:
    """The judgment as stored, with the line it is told for in front."""
    where = b'{"line":%d,"duplicate_of":%s,' % (told.line, b"null" if told.first is None else b"%d" % told.first)
    outcome = told.outcome
    if told.first is not None:
        outcome = orjson.dumps(orjson.loads(outcome) | {"custom_id": told.custom_id})
    return where + outcome[1:] + b"\n"
