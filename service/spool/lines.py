"""From the bytes of one line to a pair, or to words that say what to do about it; reads nothing and writes nothing.

A line is read as the body of `POST /judge` is, by the same code and with the same codes, so that the two cannot drift.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from selfref.messages import DEFAULT_MAX_VOTES, JobLine, JobOptions, LineError, Markers, Preset
from selfref.messages.message import storable
from service.admission import refuse_markers
from service.body import invalid, parse_as
from service.errors import Invalid, Refusal, Unreadable

BOM = b"\xef\xbb\xbf"
_WHERE = re.compile(r" at line \d+ column ")
_LONGEST_ID = 256  # characters, as `Identifier`


def read_line(text: bytes, *, number: int, options: JobOptions) -> JobLine | LineError:
    """The pair that a line stands for, its gaps filled from the job's options, or why it is refused.

    `text` is without its line ending and not blank; `number` counts from 1.
    """
    try:
        line = parse_line(text, options)
        if line.markers is Markers.REFUSE:
            refuse_markers(line)
    except Refusal as refusal:
        return line_error(refusal, number=number, custom_id=_readable_id(text))
    return line


def parse_line(text: bytes, options: JobOptions) -> JobLine:
    """`read_line` without the search for markers, for a line that was read before; raises Unreadable or Invalid."""
    try:
        return _filled(parse_as(JobLine, text, whole="line"), options)
    except Unreadable as refusal:
        raise _clearer(text, refusal) from None


def line_error(refusal: Refusal, *, number: int, custom_id: str | None) -> LineError:
    """What the error list says of a refused line."""
    return LineError(
        line=number,
        custom_id=custom_id,
        code=refusal.code,
        param=refusal.param,
        message=refusal.detail,
        retryable=refusal.retryable,
    )


def too_long(size: int, *, most: int) -> Invalid:
    """A line that was never read."""
    detail = f"The line has {size} bytes, over the limit of {most}; send shorter texts, and each pair on its own line."
    return Invalid("line_too_long", detail)


def duplicate_id(first: int) -> Invalid:
    """A line whose `custom_id` is taken by the line of this number."""
    detail = f"`custom_id` is that of line {first} already; give each line its own, or leave it out."
    return Invalid("duplicate_custom_id", detail, param="custom_id")


def sameness(line: JobLine) -> tuple[object, ...]:
    """Equal for two lines exactly when they ask for the same judgment, whatever their `custom_id`."""
    return (
        line.prompt,
        line.answer_a,
        line.answer_b,
        line.principle,
        line.reference,
        line.effective_preset(),
        ("auto", line.max_votes or DEFAULT_MAX_VOTES) if line.votes == "auto" else line.votes or 1,
        line.markers,
    )


def _filled(line: JobLine, options: JobOptions) -> JobLine:
    """The line with the job's options where it leaves something out, `null` included."""
    gaps: dict[str, Any] = {}
    said = line.model_fields_set
    if options.principle is not None and "principle" not in said:
        gaps["principle"] = options.principle
    if options.markers is not None and "markers" not in said:
        gaps["markers"] = options.markers
    if options.preset is not None and line.preset is None and line.reference is None:
        gaps["preset"] = options.preset
    if options.votes is not None and line.votes is None and line.preset is not Preset.PAPER:
        gaps["votes"] = options.votes
    if options.max_votes is not None and line.max_votes is None and gaps.get("votes", line.votes) == "auto":
        gaps["max_votes"] = options.max_votes
    if not gaps:
        return line
    try:
        return JobLine.model_validate({**dict(line), **gaps})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise invalid(found, whole="line with its job's options") from None


def _clearer(text: bytes, refusal: Unreadable) -> Unreadable:
    """The refusal in terms of a line: what stands at its beginning or inside it that JSON has no word for."""
    if text.startswith(BOM):
        detail = "The line begins with a byte order mark, which only the first may; remove it."
        return Unreadable("byte_order_mark", detail)
    if b"\x00" in text:
        detail = f"Byte {text.index(0)} is NUL; remove it, and save the file as UTF-8 if it is UTF-16."
        return Unreadable("nul_byte", detail)
    return Unreadable(refusal.code, _WHERE.sub(" at column ", refusal.detail))


def _readable_id(text: bytes) -> str | None:
    """The `custom_id` of a line that is refused, where it has one that can be repeated."""
    try:
        fields = orjson.loads(text.removeprefix(BOM).replace(b"\x00", b" ").decode(errors="replace"))
        found = fields.get("custom_id") if isinstance(fields, Mapping) else None
        return storable(found)[:_LONGEST_ID] if isinstance(found, str) and found else None
    except ValueError:  # orjson's own error and storable's are both
        return None
