"""From the body of a request to an upload on disk, whatever its size, with a few megabytes of memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from service.body import content_type as parts_of
from service.body import refuse_charset
from service.errors import Invalid, TooLarge, UnsupportedMedia
from service.spool.folder import JobFolder, Spool
from service.spool.multipart import Multipart
from service.spool.sink import Sink
from service.spool.stages import Gunzip, Sniffed, Stage, through

MOST_LINES = 50_000_000  # lines of an upload; each that is refused leaves some 200 bytes
LINES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/json-lines",
        "application/x-jsonlines",
        "text/plain",
        "application/octet-stream",
    }
)
GZIP = frozenset({"application/gzip", "application/x-gzip"})
FORM = "multipart/form-data"
PLAIN = frozenset({"", "identity"})
ENCODED = frozenset({"gzip", "x-gzip"})


@dataclass(frozen=True)
class Received:
    """An upload that is whole and on disk, in a folder that has no job's name yet."""

    folder: JobFolder
    bytes: int  # decompressed
    newlines: int
    sha256: str
    fields: Mapping[str, str] = field(default_factory=dict)  # what a form had beside its file


async def receive(
    chunks: AsyncIterator[bytes],
    *,
    content_type: str,
    content_encoding: str,
    spool: Spool,
    most_bytes: int,
    most_lines: int = MOST_LINES,
) -> Received:
    """Write the body to disk as it arrives; whatever is raised, nothing of it is left there.

    `most_bytes` bounds the lines after decompression, `most_lines` their number. Raises UnsupportedMedia, Unreadable
    (gzip or form broken), TooLarge, Invalid (no lines, or no file in a form), SpoolFull, and what `chunks` raises.
    """
    stages, form = _unwrapping(content_type, content_encoding)
    folder = await asyncio.to_thread(spool.begin)
    try:
        sink = Sink(folder.upload, most_bytes=most_bytes, most_lines=most_lines)
        try:
            await _write(chunks, stages, sink, most_bytes=most_bytes)
            if sink.blank:
                raise Invalid("empty_upload", "The upload has no lines; send one JSON object a line.")
            await sink.close()
        except BaseException:
            await asyncio.shield(sink.abandon())
            raise
    except BaseException:
        await asyncio.shield(asyncio.to_thread(spool.drop, folder))
        raise
    return Received(folder, sink.bytes, sink.newlines, sink.sha256, form.fields if form else {})


def _unwrapping(content_type: str, content_encoding: str) -> tuple[list[Stage], Multipart | None]:
    """What to take off the body, outermost first, and the form where it is one. gzip is never taken off twice."""
    media_type, parameters = parts_of(content_type)
    refuse_charset(parameters)
    if media_type not in LINES | GZIP | {FORM}:
        detail = "Send JSON lines, with `Content-Type: application/x-ndjson`, or a form with one part named `file`."
        raise UnsupportedMedia("not_jsonl", detail, param="Content-Type")
    encoding = content_encoding.strip().lower()
    if encoding not in PLAIN | ENCODED or (encoding in ENCODED and media_type == FORM):
        detail = "Only gzip is understood as `Content-Encoding`, and none around a form, whose file may be gzip itself."
        raise UnsupportedMedia("unknown_encoding", detail, param="Content-Encoding")
    if media_type == FORM:
        form = Multipart(content_type)
        return [form, Sniffed()], form
    return [Gunzip() if encoding in ENCODED or media_type in GZIP else Sniffed()], None


async def _write(chunks: AsyncIterator[bytes], stages: list[Stage], sink: Sink, *, most_bytes: int) -> None:
    budget = most_bytes + most_bytes // 8 + 65_536  # nothing that fits is longer on its way, whatever it is wrapped in
    async for chunk in chunks:
        budget -= len(chunk)
        if budget < 0:
            raise TooLarge("upload_too_large", f"The upload is over the limit of {most_bytes} bytes; send it in parts.")
        for number, piece in enumerate(through(stages, chunk)):
            if number:
                await asyncio.sleep(0)  # a few bytes can stand for many: others have their turn in between
            await sink.write(piece)
    for stage in stages:
        stage.finish()
