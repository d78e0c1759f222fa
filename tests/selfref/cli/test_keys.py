"""Keys that the service accepts, and a secret that stays out of its file."""

import pytest

from service.keys import Keyring
from tests.selfref.cli.running import selfref


def test_the_line_makes_the_service_know_the_key() -> None:
    made = selfref("keys", "new", "alice")
    assert made.exit_code == 0
    tenant, digest = made.stdout.split()
    (key,) = [word for word in made.stderr.split() if word.startswith("selfref_")]
    assert Keyring([(tenant, digest)]).tenant(f"Bearer {key}") == "alice"


def test_the_key_is_not_in_what_goes_into_the_file_and_is_never_the_same() -> None:
    first, second = selfref("keys", "new", "alice"), selfref("keys", "new", "alice")
    assert "selfref_" not in first.stdout
    assert first.stdout != second.stdout


@pytest.mark.parametrize("tenant", ["", "two words", "a" * 65, "semi;colon"])
def test_a_tenant_that_the_service_would_refuse_gets_no_key(tenant: str) -> None:
    made = selfref("keys", "new", tenant)
    assert made.exit_code == 2
    assert made.stdout == ""
