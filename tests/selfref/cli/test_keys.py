"""Keys that the service accepts, and a secret that stays out of its file."""

from pathlib import Path

import pytest

from service.keys import Keyring
from tests.selfref.cli.running import selfref
from tests.stacks import UpProcess
from tests.stub_engine import StubEngine

PAIR = ("--prompt", "Which is it?", "--answer-a", "this is GOOD", "--answer-b", "this is not")


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


def test_a_service_with_the_file_takes_only_who_has_the_key(tmp_path: Path) -> None:
    made = selfref("keys", "new", "alice")
    (tmp_path / "keys").write_text(f"# who may\n{made.stdout}")
    (key,) = [word for word in made.stderr.split() if word.startswith("selfref_")]
    guarded = {"SELFREF_SERVICE_API_KEYS_FILE": str(tmp_path / "keys")}
    with (
        StubEngine() as engine,
        UpProcess(tmp_path / "data", "--port", "0", "--engine-url", engine.url, environment=guarded) as up,
    ):
        there = {"SELFREF_URL": up.ready().service_url, "SELFREF_DATA_DIR": str(tmp_path / "data")}
        refused = selfref("judge", *PAIR, **there)
        assert refused.exit_code == 2
        assert "SELFREF_API_KEY" in refused.stderr
        assert selfref("doctor", **there).exit_code == 1
        assert selfref("judge", *PAIR, **there, SELFREF_API_KEY=key).exit_code == 0
        assert selfref("doctor", "--api-key", key, **there).exit_code == 0


@pytest.mark.parametrize("tenant", ["", "two words", "a" * 65, "semi;colon"])
def test_a_tenant_that_the_service_would_refuse_gets_no_key(tenant: str) -> None:
    made = selfref("keys", "new", tenant)
    assert made.exit_code == 2
    assert made.stdout == ""
