"""From a request to the work that stands for it: markers refused or escaped, and an id that names the pair for good."""

import hashlib
import re
import uuid
from collections.abc import Sequence

from selfref.markers import escape_markers, find_marker
from selfref.messages import (
    DEFAULT_MAX_VOTES,
    ESCAPED_MARKERS,
    Comparison,
    JudgeRequest,
    Lane,
    Markers,
    Work,
    now,
)
from service.errors import Invalid, Unreadable

LONGEST_KEY = 255  # characters of an Idempotency-Key, as elsewhere in the field
_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")


def idempotency_key(values: Sequence[str]) -> str | None:
    """The caller's key, bare or quoted (draft-ietf-httpapi-idempotency-key-header); raises Unreadable."""
    if not values:
        return None
    key = values[0].strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(values) > 1 or not _KEY.fullmatch(key):
        raise Unreadable(
            "invalid_idempotency_key",
            f"`Idempotency-Key` must be one value of 1 to {LONGEST_KEY} printable ASCII characters without spaces.",
            param="Idempotency-Key",
        )
    return key


def judgment_id(tenant: str, key: str | None) -> str:
    """The same id for the same tenant and key, so that accepting twice accepts once; a new one without a key."""
    if key is None:
        return uuid.uuid4().hex
    return hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()[:32]


def fingerprint(asked: JudgeRequest) -> str:
    """SHA-256 of the request in canonical form: spelling out a default or reordering fields changes nothing.

    A budget that was not given is left out, so that requests from before there was one keep their fingerprint.
    """
    unsaid = {"max_votes"} if asked.max_votes is None else None
    return hashlib.sha256(asked.model_dump_json(exclude=unsaid).encode()).hexdigest()


def work_of(asked: JudgeRequest, *, judgment_id: str, tenant: str) -> Work:
    """The work to put on the queue; raises Invalid where a template marker stands in a text and is to be refused."""
    comparison = asked.comparison()
    flags: tuple[str, ...] = ()
    if asked.markers is Markers.ESCAPE:
        escaped = comparison.with_texts(escape_markers)
        if escaped != comparison:
            comparison, flags = escaped, (ESCAPED_MARKERS,)
    else:
        refuse_markers(comparison)
    return Work(
        id=judgment_id,
        tenant=tenant,
        lane=Lane.INTERACTIVE,
        comparison=comparison,
        preset=asked.effective_preset(),
        votes=asked.votes or 1,
        max_votes=asked.max_votes or DEFAULT_MAX_VOTES,
        markers=asked.markers,
        custom_id=asked.custom_id,
        flags=flags,
        created_at=now(),
    )


def refuse_markers(comparison: Comparison) -> None:
    """Raises Invalid, which names the field, where a template marker stands in a text."""
    for param, text in _texts(comparison):
        marker = find_marker(text)
        if marker is not None:
            raise Invalid(
                "markers_in_text",
                f"`{param}` contains {marker}, a marker of chat templates that could speak in the judge's place. "
                'Remove it, or send `"markers": "escape"` to have it rewritten.',
                param=param,
            )


def _texts(comparison: Comparison) -> list[tuple[str, str]]:
    prompt = comparison.prompt
    texts = [("prompt", prompt)] if isinstance(prompt, str) else []
    if not isinstance(prompt, str):
        texts = [(f"prompt[{index}].content", message.content) for index, message in enumerate(prompt)]
    texts += [(name, getattr(comparison, name)) for name in ("answer_a", "answer_b", "principle")]
    return texts + ([("reference", comparison.reference)] if comparison.reference is not None else [])
