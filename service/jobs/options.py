"""What a caller chose for a whole upload, from the query or from the fields of a form."""

from collections.abc import Mapping

from pydantic import ValidationError

from selfref.messages import JobOptions
from service.errors import Invalid
from service.validation import faults


def options_of(fields: Mapping[str, str]) -> JobOptions:
    """Raises Invalid, naming the option."""
    try:
        return JobOptions.model_validate_strings(dict(fields))
    except ValidationError as error:
        wrong = faults(error.errors(include_url=False, include_input=False, include_context=False))
        detail = " ".join(fault["detail"] for fault in wrong[:3])
        raise Invalid("invalid_parameter", detail, param=wrong[0]["param"] or None, errors=wrong) from None
