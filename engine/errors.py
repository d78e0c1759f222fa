"""What can go wrong with one request, as text-generation-inference says it.

    EngineError          status  error_type                worth trying again
    +- Overloaded        429     overloaded                yes, later
    +- Invalid           422     validation                no
    +- TemplateFailed    422     template_error            no
    +- ToolsUnsupported  422     tool_error                no
    +- SuffixUnsupported 422     suffix not supported      no
    +- TooManyPrompts    422     batch size exceeded       no
    +- GenerationFailed  424     generation                yes
    +- Incomplete        500     incomplete_generation     yes

Texts and types are those of TGI 3.3 (router/src/infer/mod.rs, router/src/validation.rs): clients match on them.
`ModelUnusable` is the exception at start-up: the folder cannot be served, and the message says why.
"""

from typing import ClassVar


class ModelUnusable(Exception):
    """The model folder cannot be served; the message says what to change."""


class EngineError(Exception):
    """A refused or failed request; `str(error)` is the wire text."""

    status: ClassVar[int]
    error_type: ClassVar[str]
    counted_as: ClassVar[str]  # the `err` label of tgi_request_failure

    def body(self) -> dict[str, str]:
        """The JSON body of the answer."""
        return {"error": str(self), "error_type": self.error_type}


class Overloaded(EngineError):
    """More callers than `max_concurrent_requests`; nothing was queued."""

    status, error_type, counted_as = 429, "overloaded", "overloaded"

    def __init__(self) -> None:
        super().__init__("Model is overloaded")


class Invalid(EngineError):
    """The request itself is wrong; it will be wrong next time too."""

    status, error_type, counted_as = 422, "validation", "validation"

    def __init__(self, text: str) -> None:
        super().__init__(f"Input validation error: {text}")


class TemplateFailed(EngineError):
    """The model has no chat template, or its template refuses these messages."""

    status, error_type, counted_as = 422, "template_error", "template"

    def __init__(self, text: str) -> None:
        super().__init__(f"Template error: {text}")


class ToolsUnsupported(EngineError):
    """The request brings tools."""

    status, error_type, counted_as = 422, "tool_error", "validation"

    def __init__(self) -> None:
        super().__init__("Tool error: this engine has no tools; leave `tools` out")


class SuffixUnsupported(EngineError):
    """`/v1/completions` with a suffix."""

    status, error_type, counted_as = 422, "suffix not supported", "validation"

    def __init__(self) -> None:
        super().__init__("Suffix is not supported and can be achieved by preprocessing the prompt.")


class TooManyPrompts(EngineError):
    """`/v1/completions` with more prompts than `max_client_batch_size`."""

    status, error_type, counted_as = 422, "batch size exceeded", "validation"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Number of prompts exceeds the maximum allowed batch size of {limit}")


class GenerationFailed(EngineError):
    """The model failed while this request was in its batch (out of memory, say)."""

    status, error_type, counted_as = 424, "generation", "generation"

    def __init__(self, text: str) -> None:
        super().__init__(f"Request failed during generation: {text}")


class Incomplete(EngineError):
    """The engine stopped before the text was finished."""

    status, error_type, counted_as = 500, "incomplete_generation", "incomplete"

    def __init__(self) -> None:
        super().__init__("Incomplete generation")
