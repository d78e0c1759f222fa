"""The bytes of a request, bounded, and a `JudgeRequest` out of them.

Reads the stream itself: the framework's own limit answers in plain text where a length is declared and in JSON where it
is not, and both replace the problem that a caller can act on.
"""

from pydantic import ValidationError
from starlette.requests import Request

from selfref.messages import JudgeRequest
from service.errors import Invalid, TooLarge, Unreadable, UnsupportedMedia
from service.validation import faults


async def read_json(request: Request, *, most: int) -> bytes:
    """The body, not parsed; raises UnsupportedMedia or TooLarge (more than `most` bytes)."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise UnsupportedMedia("not_json", "Send the body as JSON, with `Content-Type: application/json`.")
    if "charset" in parameters.lower() and "utf-8" not in parameters.lower():
        raise UnsupportedMedia("not_utf8", "Send the JSON in UTF-8; no other charset is understood.")
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


def _too_large(most: int) -> TooLarge:
    return TooLarge("body_too_large", f"The body is over the limit of {most} bytes; send shorter texts.")


def parse(body: bytes) -> JudgeRequest:
    """What the caller asks for; raises Unreadable (no JSON) or Invalid (not a request), naming the fields."""
    try:
        return JudgeRequest.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        raise _unreadable(body, found[0]["msg"])
    wrong = faults(found)
    detail = " ".join(fault["detail"] for fault in wrong[:3])
    raise Invalid("invalid_request", detail, param=wrong[0]["param"] or None, errors=wrong)


def _unreadable(body: bytes, reason: str) -> Unreadable:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return Unreadable("not_utf8", f"The body is not UTF-8: byte {error.start} cannot be read. Encode it as UTF-8.")
    reason = reason.removeprefix("Invalid JSON: ")
    if "hex escape" in reason:
        reason += ", which may be half of a surrogate pair"
    return Unreadable("invalid_json", f"The body is not valid JSON: {reason}.")
