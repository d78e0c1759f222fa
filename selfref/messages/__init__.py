"""Everything that crosses a process, as frozen and versioned pydantic models.

What comes in is a `Comparison` (inside a `JudgeRequest`); what travels to a worker is `Work`; what ends it is exactly
one of `Judgment`, `Failure` or `Cancellation`; what a trainer reads is a `Label`, and only a judgment ever makes one.
Unknown fields are refused: a misspelt option that is silently ignored becomes thousands of wrong labels.
"""

from selfref.messages.comparison import (
    DEFAULT_PRINCIPLE,
    MAX_VOTES,
    ChatMessage,
    Comparison,
    JudgeRequest,
    Lane,
    Markers,
    Preset,
    Prompt,
    Work,
)
from selfref.messages.judgment import (
    ESCAPED_MARKERS,
    STATE,
    Cancellation,
    Failure,
    FailureCode,
    FailureReason,
    Judgment,
    OrderReading,
    Outcome,
    Perplexity,
    Provenance,
    Reference,
    State,
    Usage,
    Verdict,
    VoteCounts,
    Waiting,
)
from selfref.messages.label import Label
from selfref.messages.message import Identifier, Message, Text, now, storable

__all__ = [
    "DEFAULT_PRINCIPLE",
    "ESCAPED_MARKERS",
    "MAX_VOTES",
    "STATE",
    "Cancellation",
    "ChatMessage",
    "Comparison",
    "Failure",
    "FailureCode",
    "FailureReason",
    "Identifier",
    "JudgeRequest",
    "Judgment",
    "Label",
    "Lane",
    "Markers",
    "Message",
    "OrderReading",
    "Outcome",
    "Perplexity",
    "Preset",
    "Prompt",
    "Provenance",
    "Reference",
    "State",
    "Text",
    "Usage",
    "Verdict",
    "VoteCounts",
    "Waiting",
    "Work",
    "now",
    "storable",
]
