"""The fixed chat that engines are tested on, and known again by."""

import hashlib

from selfref.messages import ChatMessage

PROBE = (
    ChatMessage(role="user", content="Name a colour."),
    ChatMessage(role="assistant", content="Blue."),
    ChatMessage(role="user", content="Which of two responses is better?"),
)


def digest(rendered: bytes) -> str:
    """Of the fixed chat as an engine renders it; another template, or another tokenizer, gives another."""
    return hashlib.sha256(rendered).hexdigest()[:16]
