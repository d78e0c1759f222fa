"""The bytes of a request, bounded, and a `JudgeRequest` out of them.

Reads the stream itself: the framework's own limit answers in plain text where a length is declared and in JSON where it
is not, and both replace the problem that a caller can act on.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from selfref.messages import JudgeRequest
from selfref.messages.message import Message
from service.errors import Invalid, TooLarge, Unreadable, UnsupportedMedia
from service.validation import faults

M = TypeVar("M", bound=Message)


async def read_json(request: Request, *, most: int) -> bytes:
    """The body, not parsed; raises UnsupportedMedia or TooLarge (more than `most` bytes)."""
    media_type, parameters = content_type(request.headers.get("content-type", ""))
    if media_type != "application/json":
        raise UnsupportedMedia("not_json", "Send the body as JSON, with `Content-Type: application/json`.")
    refuse_charset(parameters)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 15 or int(declared) > most):
        raise _too_large(most)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
    return b"".join(chunks)


def content_type(header: str) -> tuple[str, str]:
    """The media type in lower case, and its parameters as they were sent."""
    media_type, _, parameters = header.partition(";")
    return media_type.strip().lower(), parameters


def refuse_charset(parameters: str) -> None:
    """Raises UnsupportedMedia where a content type names a charset other than UTF-8."""
    if "charset" in parameters.lower() and "utf-8" not in parameters.lower():
        raise UnsupportedMedia("not_utf8", "Send the JSON in UTF-8; no other charset is understood.")


def _too_large(most: int) -> TooLarge:
    return TooLarge("body_too_large", f"The body is over the limit of {most} bytes; send shorter texts.")


def parse(body: bytes) -> JudgeRequest:
    """What the caller asks for; raises Unreadable (no JSON) or Invalid (not a request), naming the fields."""
    return parse_as(JudgeRequest, body, whole="body")


def parse_as(model: type[M], text: bytes, *, whole: str) -> M:
    """The JSON text as a message; raises Unreadable (no JSON) or Invalid, in which `whole` says what was read."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        raise _unreadable(text, found[0]["msg"], whole=whole)
    raise invalid(found, fields=model.model_fields, whole=whole)


def invalid(
    found: Sequence[Mapping[str, Any]],
    *,
    fields: Collection[str] = (),
    whole: str = "request",
    code: str = "invalid_request",
) -> Invalid:
    """Pydantic's errors as one refusal that names every field at fault."""
    wrong = faults(found, fields=fields, whole=whole)
    detail = " ".join(fault["detail"] for fault in wrong[:3])
    return Invalid(code, detail, param=wrong[0]["param"] or None, errors=wrong)


def _unreadable(text: bytes, reason: str, *, whole: str) -> Unreadable:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        detail = f"The {whole} is not UTF-8: byte {error.start} cannot be read. Encode it as UTF-8."
        return Unreadable("not_utf8", detail)
    reason = reason.removeprefix("Invalid JSON: ")
    if "hex escape" in reason:
        reason += ", which may be half of a surrogate pair"
    return Unreadable("invalid_json", f"The {whole} is not valid JSON: {reason}.")
