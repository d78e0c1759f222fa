"""What a caller chose for a whole upload, from the query or from the fields of a form."""

from collections.abc import Mapping

from pydantic import ValidationError

from selfref.messages import JobOptions
from service.body import invalid


def options_of(fields: Mapping[str, str]) -> JobOptions:
    """Raises Invalid, naming the option."""
    try:
        return JobOptions.model_validate_strings(dict(fields))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise invalid(found, code="invalid_parameter") from None
