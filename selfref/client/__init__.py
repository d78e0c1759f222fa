"""The typed Python client of the service: `Client` for ordinary code, `AsyncClient` for asyncio.

    from selfref import Client

    with Client("http://127.0.0.1:8080") as client:
        judgment = client.judge("What is 17 + 25?", "17 + 25 is 42.", "The answer is 41.")
        print(judgment.verdict, judgment.strength)

Both are thin: what is sent, what is tried again and what a reply means is decided once, in
conversations (`selfref.client.steps`), without any I/O. What can go wrong is drawn in `selfref.client.errors`.
"""

from selfref.client.asynchronous import AsyncClient
from selfref.client.conversations import LabelPage
from selfref.client.errors import (
    JudgmentCanceled,
    JudgmentFailed,
    NotAuthorized,
    NotFound,
    ProblemError,
    RequestRefused,
    SelfrefError,
    StillWaiting,
    Unavailable,
    UnexpectedReply,
    Unreachable,
)
from selfref.client.job_conversations import JobPage, Page
from selfref.client.reading import AsyncReading, Reading
from selfref.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "AsyncReading",
    "Client",
    "JobPage",
    "JudgmentCanceled",
    "JudgmentFailed",
    "LabelPage",
    "NotAuthorized",
    "NotFound",
    "Page",
    "ProblemError",
    "Reading",
    "RequestRefused",
    "SelfrefError",
    "StillWaiting",
    "Unavailable",
    "UnexpectedReply",
    "Unreachable",
]
