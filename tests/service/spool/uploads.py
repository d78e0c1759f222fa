"""Uploads as they lie in a spool, without a gateway."""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selfref.messages import JobOptions
from service.spool.folder import JobFolder, Manifest, Spool, Validated
from service.spool.validating import MOST_LINE_BYTES, Validator

JOB = "job-" + "0" * 24
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def line(prompt: str = "p", answer_a: str = "a", answer_b: str = "b", **more: Any) -> bytes:
    """One pair as JSON, without a line ending."""
    return json.dumps({"prompt": prompt, "answer_a": answer_a, "answer_b": answer_b} | more).encode()


def upload(root: Path, content: bytes | Iterable[bytes], *, job_id: str = JOB, **options: Any) -> JobFolder:
    """A kept upload of this content, or of these lines."""
    content = content if isinstance(content, bytes) else b"".join(each + b"\n" for each in content)
    spool = Spool(root)
    received = spool.begin()
    received.upload.write_bytes(content)
    said = Manifest(
        job_id=job_id,
        tenant="default",
        created_at=CREATED,
        options=JobOptions(**options),
        bytes=len(content),
        newlines=content.count(b"\n"),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return spool.keep(received, said)


def validate(
    folder: JobFolder,
    *,
    slice_of: int = 1000,
    most_line_bytes: int = MOST_LINE_BYTES,
    hashed: Callable[[object], int] = hash,
) -> Validated:
    """Read all lines, in slices of so many."""
    with Validator(folder, most_line_bytes=most_line_bytes, hashed=hashed) as validator:
        while True:
            validated = validator.step(slice_of)
            if validated is not None:
                return validated
