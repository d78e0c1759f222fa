"""Misspelt variables are found."""

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings

from selfref.environment import unknown_variables


class Settings(BaseSettings):
    max_wait: float = 1.0
    retention: float = Field(default=1.0, validation_alias="SELFREF_OTHER_RETENTION")


def test_only_variables_with_the_prefix_that_no_field_reads_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MADE_UP_MAX_WAIT", "made_up_max_wait", "MADE_UP_MAXWAIT", "MADE_UP_RETENTION", "MADE_OTHER"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SELFREF_OTHER_RETENTION", "1")
    assert unknown_variables("MADE_UP_", Settings) == ["MADE_UP_MAXWAIT", "MADE_UP_RETENTION"]
