"""Environment variables that look like ours and are none: a misspelt setting is silently not set."""

import os

from pydantic_settings import BaseSettings


def unknown_variables(prefix: str, settings: type[BaseSettings]) -> list[str]:
    """The variables of this process that start with `prefix` and that no field of `settings` reads, sorted."""
    names = (str(field.validation_alias or prefix + name) for name, field in settings.model_fields.items())
    known = {name.upper() for name in names}  # pydantic-settings takes any case
    return sorted(name for name in os.environ if name.upper().startswith(prefix) and name.upper() not in known)
