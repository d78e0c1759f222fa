"""Why a pair could not be judged: one tree, named by the boundary crossed and by whether trying again can help.

    JudgingFailed                  the pair was not judged; `.code` is what its `Failure` says
    ├── EngineOverloaded           the engine asks for fewer calls at once: slow down; the pair is not to blame
    ├── EngineUnavailable          no answer came: refused connection, 502/503/504, time-out; try again later
    ├── EngineFailed               an answer came and says that generation broke, or makes no sense; try a few times
    ├── EngineRejected             the engine refuses what was asked (400, 422), and will again
    │   └── EngineMisconfigured    it refuses this worker, not this pair (401, 403, 404, 405): test it before going on
    ├── TooLong                    the pair does not fit the model; found by counting, before anything is generated
    ├── RequestTooLarge            the request has more bytes than the engine, or what stands before it, takes (413)
    ├── UnreadableVerdict          the engine answered, and no label can be read from it; never guessed
    └── MarkersInModelText         the model's own reference or critique holds a chat template's markers

    EngineUnsuitable               the start-up self-test failed: the process must not start

Texts of pairs never enter a message: errors are logged and stored.
"""

from typing import ClassVar

from selfref.messages import FailureCode


class JudgingFailed(Exception):
    """The parent of everything that ends one attempt at judging one pair."""

    code: ClassVar[FailureCode]
    retryable: ClassVar[bool]  # can another attempt at the same pair end otherwise?
    burns_attempt: ClassVar[bool] = True  # does it count against the pair's attempts?


class EngineOverloaded(JudgingFailed):
    """The engine had no room for the call (429). Throttle, then try again: no attempt of the pair is used up."""

    code = FailureCode.ENGINE_UNAVAILABLE
    retryable = True
    burns_attempt = False


class EngineUnavailable(JudgingFailed):
    """The engine gave no answer: connection refused or broken, 502, 503, 504, or a time-out."""

    code = FailureCode.ENGINE_UNAVAILABLE
    retryable = True


class EngineFailed(JudgingFailed):
    """The engine broke while generating (424, 500), or its answer is not what its protocol says."""

    code = FailureCode.ENGINE_FAILED
    retryable = True


class EngineRejected(JudgingFailed):
    """The engine refuses this request and will refuse it again; the message carries the engine's own words."""

    code = FailureCode.ENGINE_REJECTED
    retryable = False


class EngineMisconfigured(EngineRejected):
    """The engine knows the worker's key, route or model no more; what another engine or setting would take.

    No pair is to blame until the engine passes its self-test and still refuses this one.
    """

    retryable = True


class TooLong(JudgingFailed):
    """The pair, with room for the reference, the critique and the verdict, does not fit the model."""

    code = FailureCode.TOO_LONG
    retryable = False

    def __init__(self, *, needed: int, limit: int, parts: dict[str, int]) -> None:
        """All numbers are tokens; `parts` names what `needed` is made of."""
        self.needed, self.limit, self.parts = needed, limit, parts
        listed = ", ".join(f"{name} {tokens}" for name, tokens in parts.items())
        super().__init__(
            f"the pair needs {needed} tokens ({listed}) and the model takes {limit}; "
            "shorten the prompt or the answers, or serve a model with a longer context"
        )


class RequestTooLarge(JudgingFailed):
    """The pair as one request has more bytes than the engine reads (413); to the caller it is too long all the same."""

    code = FailureCode.TOO_LONG
    retryable = False

    def __init__(self, *, sent: int, said: str) -> None:
        """`sent` is bytes; `said` is the engine's own explanation, which may name the limit."""
        self.sent = sent
        super().__init__(
            f"the pair makes a request of {sent} bytes and the engine takes fewer (413: {said or 'no more'});"
            " shorten the prompt or the answers, or raise the limit (TGI: --payload-limit; a proxy has its own)"
        )


class UnreadableVerdict(JudgingFailed):
    """The engine answered, and neither label can be read from the answer. It is never searched for in prose."""

    code = FailureCode.UNREADABLE_VERDICT
    retryable = True


class MarkersInModelText(JudgingFailed):
    """The model wrote a chat template's marker itself; quoted back to it, that would end its turn."""

    code = FailureCode.MARKERS_IN_MODEL_TEXT
    retryable = False

    def __init__(self, *, marker: str, where: str) -> None:
        """`where` is `reference` or `critique`."""
        self.marker, self.where = marker, where
        super().__init__(f"the model's own {where} contains the template marker {marker!r}")


class EngineUnsuitable(Exception):
    """This engine or model cannot be a judge as configured; the message says what was found and what to do."""
