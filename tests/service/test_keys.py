"""Who may speak, and when a gateway may not start."""

import hashlib

import pytest

from service.errors import ConfigurationError, Unauthorized
from service.keys import DEFAULT_TENANT, Keyring
from service.settings import Settings


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_without_keys_everybody_on_this_machine_is_the_default_tenant():
    assert Keyring.of(Settings(host="127.0.0.1")).tenant(None) == DEFAULT_TENANT


def test_a_key_names_its_tenant_and_a_tenant_may_hold_several():
    keyring = Keyring.of(Settings(api_keys=f"lab:{digest('one')}, lab:{digest('two')},plant:{digest('three')}"))
    assert [keyring.tenant(f"Bearer {key}") for key in ("one", "two", "three")] == ["lab", "lab", "plant"]
    assert keyring.tenant("bearer  one") == "lab"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic b25lOg==", "one", "Bearer four", "Bearer é\udcff"]
)
def test_anything_else_is_unauthorized(header):
    with pytest.raises(Unauthorized):
        Keyring.of(Settings(api_keys=f"lab:{digest('one')}")).tenant(header)


def test_keys_are_read_from_a_file_with_comments(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# the lab\nlab {digest('one').upper()}  # since May\n\n")
    assert Keyring.of(Settings(api_keys_file=path, host="0.0.0.0")).tenant("Bearer one") == "lab"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "gateway.example"])
def test_beyond_loopback_without_keys_is_refused(host):
    with pytest.raises(ConfigurationError, match="SELFREF_SERVICE_API_KEYS"):
        Keyring.of(Settings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_keys(host):
    assert len(Keyring.of(Settings(host=host))) == 0


@pytest.mark.parametrize(
    "entries", ["lab", "lab:", f":{digest('x')}", "lab:plain-text-key", f"two words:{digest('x')}"]
)
def test_an_entry_that_is_no_digest_is_refused_without_being_repeated(entries):
    with pytest.raises(ConfigurationError) as refused:
        Keyring.of(Settings(api_keys=entries))
    assert "plain-text-key" not in str(refused.value)


def test_a_file_that_cannot_be_read_or_parsed_says_where(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Keyring.of(Settings(api_keys_file=tmp_path / "none"))
    (tmp_path / "binary").write_bytes(b"\x80\xff\x00")
    with pytest.raises(ConfigurationError, match="no text"):
        Keyring.of(Settings(api_keys_file=tmp_path / "binary"))
    (tmp_path / "bad").write_text(f"lab {digest('x')}\nlab {digest('x')} extra\n")
    with pytest.raises(ConfigurationError, match="line 2"):
        Keyring.of(Settings(api_keys_file=tmp_path / "bad"))


def test_the_settings_do_not_show_their_keys():
    assert digest("one") not in repr(Settings(api_keys=f"lab:{digest('one')}"))
