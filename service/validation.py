"""Pydantic's findings in words that a caller can act on; no value is ever repeated back, only names of fields."""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from selfref.messages import JudgeRequest

MOST_FAULTS = 20  # a client with more mistakes than this has made one mistake many times
_LONGEST_PARAM = 200  # characters; the name of an unknown field is the caller's own, and may be of any length

_WORDS = {
    "missing": "is missing; send it",
    "extra_forbidden": "is not a field here; remove it or correct its spelling",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "model_type": "must be a JSON object",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "text_or_messages": "must be text or a list of chat messages",
}
_QUOTED = re.compile(r"['`]([\w-]+)['`]")
_WRONG_TYPE = ("string_type", "tuple_type")  # what the branches of `text or list of messages` say of a stranger


def faults(
    errors: Sequence[Mapping[str, Any]],
    *,
    within: tuple[str, ...] = (),
    fields: Collection[str] = (),
    whole: str = "request",
) -> list[dict[str, str]]:
    """Pydantic's errors as `{param, detail}`, one for each field; `within` names location prefixes to leave out.

    `fields` are those that an unknown one may have been meant to be, `whole` is what they belong to.
    """
    found: dict[str, str] = {}
    for error in _of_one_branch(errors):
        location = error["loc"]
        param = _param(location[1:] if location[:1] and location[0] in within else location)
        detail = _detail(param, error, fields=fields, whole=whole)
        found.setdefault(param or _last_field(detail), detail)
    return [{"param": param, "detail": detail} for param, detail in found.items()][:MOST_FAULTS]


def _of_one_branch(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without the complaints of those branches of a union that the input was never meant for."""
    kept: list[Mapping[str, Any]] = []
    understood: set[object] = set()
    strange: set[object] = set()
    for error in errors:
        location = error["loc"]
        if not _in_union(location):
            kept.append(error)
        elif len(location) == 2 and error["type"] in _WRONG_TYPE:
            strange.add(location[0])
        else:
            understood.add(location[0])
            kept.append(error)
    return kept + [{"type": "text_or_messages", "loc": (field,)} for field in strange - understood]


def _in_union(location: Sequence[int | str]) -> bool:
    """Whether the second part is no field but pydantic's name of a branch, such as `tuple[ChatMessage, ...]`."""
    return len(location) > 1 and isinstance(location[1], str) and "[" in location[1]


def _param(location: Sequence[int | str]) -> str:
    """`prompt[0].content`; the empty string is the request as a whole."""
    path = ""
    for part in (*location[:1], *location[2:]) if _in_union(location) else location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path if len(path) <= _LONGEST_PARAM else path[:_LONGEST_PARAM] + "…"


def _detail(param: str, error: Mapping[str, Any], *, fields: Collection[str], whole: str) -> str:
    words = _WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    words = _QUOTED.sub(r"`\1`", words)
    if not param:
        return f"The {whole}: {words}."
    meant = get_close_matches(param, fields, n=1) if error["type"] == "extra_forbidden" else []
    return f"`{param}` {words}" + (f" (did you mean `{meant[0]}`?)." if meant else ".")


def _last_field(detail: str) -> str:
    """The field that a complaint about the request as a whole ends with: what to drop or to add; empty if none is."""
    fields = [name for name in _QUOTED.findall(detail) if name in JudgeRequest.model_fields]
    return fields[-1] if fields else ""
