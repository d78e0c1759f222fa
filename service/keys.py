"""API keys: who a request speaks for. Only SHA-256 digests of keys are held, and compared in constant time."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Self

from service.errors import ConfigurationError, Unauthorized
from service.settings import Settings

DEFAULT_TENANT = "default"  # everybody, on a gateway without keys
_TENANT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WHERE = "SELFREF_SERVICE_API_KEYS (`tenant:sha256hex,...`) or SELFREF_SERVICE_API_KEYS_FILE (`tenant sha256hex` lines)"


class Keyring:
    """The tenants that may speak, by the digests of their keys; a tenant may hold several keys."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self._entries = tuple((tenant, digest.encode()) for tenant, digest in entries)

    def __len__(self) -> int:
        return len(self._entries)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The keys that the settings name; raises ConfigurationError where they cannot be read or none is held
        although other machines can reach the gateway."""
        try:
            keyring = cls([*_inline(settings.api_keys), *_from_file(settings)])
        except OSError as error:
            raise ConfigurationError(f"SELFREF_SERVICE_API_KEYS_FILE cannot be read: {error}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"SELFREF_SERVICE_API_KEYS_FILE cannot be read: {settings.api_keys_file} is no text in UTF-8; "
                "it holds lines of `tenant sha256hex`"
            ) from error
        if not keyring and not settings.loopback_only:
            raise ConfigurationError(
                f"refusing to listen on {settings.host} without API keys: anybody who reaches it could use it. "
                f"Set {_WHERE}, or SELFREF_SERVICE_HOST=127.0.0.1."
            )
        return keyring

    def tenant(self, authorization: str | None) -> str:
        """The tenant that an `Authorization` header speaks for; raises Unauthorized."""
        if not self._entries:
            return DEFAULT_TENANT
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized("missing_api_key", "Send your API key as `Authorization: Bearer <key>`.")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).hexdigest().encode()
        found = None
        for tenant, known in self._entries:  # all of them, so that the time taken tells nothing
            if hmac.compare_digest(digest, known):
                found = tenant
        if found is None:
            raise Unauthorized("unknown_api_key", "This API key is not known here; check it, or ask for a new one.")
        return found


def _inline(text: str) -> Iterator[tuple[str, str]]:
    for entry in filter(None, map(str.strip, text.split(","))):
        tenant, _, digest = entry.partition(":")
        yield _checked(tenant, digest, where="SELFREF_SERVICE_API_KEYS")


def _from_file(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.api_keys_file is None:
        return
    for number, line in enumerate(settings.api_keys_file.read_text("utf-8").splitlines(), start=1):
        entry = line.partition("#")[0].split()
        if entry:
            where = f"{settings.api_keys_file} line {number}"
            if len(entry) != 2:
                raise ConfigurationError(f"{where} is not `tenant sha256hex`")
            yield _checked(*entry, where=where)


def _checked(tenant: str, digest: str, *, where: str) -> tuple[str, str]:
    digest = digest.strip().lower()
    if not _TENANT.fullmatch(tenant.strip()):
        raise ConfigurationError(f"{where}: a tenant is 1 to 64 letters, digits, `_`, `.` or `-`")
    if not _DIGEST.fullmatch(digest):
        raise ConfigurationError(f"{where}: a key is given as its SHA-256, 64 hexadecimal digits (`sha256sum`)")
    return tenant.strip(), digest
