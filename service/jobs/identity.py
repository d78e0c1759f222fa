"""How an upload is known again."""

import hashlib
import os

from service.spool.folder import Manifest


def job_id(tenant: str, key: str | None) -> str:
    """The same id for the same tenant and Idempotency-Key; a new one without a key."""
    if key is None:
        return f"job-{os.urandom(12).hex()}"
    return "job-" + hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()[:24]


def fingerprint(manifest: Manifest) -> str:
    """Equal for uploads of the same bytes with the same options."""
    return hashlib.sha256(f"{manifest.sha256}\n{manifest.options.model_dump_json()}".encode()).hexdigest()
