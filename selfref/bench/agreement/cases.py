"""A pair whose better answer is known, as it is asked about in each arm, and the name that such a question has."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from selfref.bench.agreement.arms import read_arm
from selfref.bench.agreement.rows import Known
from selfref.client.conversations import How, request_of
from selfref.messages import ChatMessage


@dataclass(frozen=True, slots=True)
class Case:
    """One pair: its texts, how it is asked about by the names that arms begin with, and what is known of it."""

    id: str  # of its set
    prompt: str | tuple[ChatMessage, ...]
    answer_a: str
    answer_b: str
    hows: Mapping[str, How]
    known: Known

    def how(self, arm: str) -> How:
        """How it is asked about in this arm."""
        read = read_arm(arm)
        return read.how(self.hows[read.name])


def key_of(case: Case, arm: str, *, run: str) -> str:
    """The Idempotency-Key of this pair in this arm of this run.

    Equal exactly while run, arm, pair and everything that is sent are equal: labels and groups may be mended between
    two starts of a run and cost nothing, a text that was mended is asked about anew.
    """
    request = request_of(case.prompt, case.answer_a, case.answer_b, case.how(arm))
    asked = "\0".join((run, arm, case.id, request.model_dump_json(exclude_none=True)))
    return f"agreement-{hashlib.sha256(asked.encode()).hexdigest()}"
