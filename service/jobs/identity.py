"""How an upload is known again."""

import hashlib
import os


def job_id(tenant: str, key: str | None) -> str:
    """The same id for the same tenant and Idempotency-Key; a new one without a key."""
    if key is None:
        return f"job-{os.urandom(12).hex()}"
    return "job-" + hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()[:24]
