"""The bundled judge: its name, which weights it has, and what it knows; importing this costs nothing."""

import hashlib
from pathlib import Path

BUNDLED_MODEL = "selfref/little-world-judge"  # its name in every judgment's provenance
BUNDLED_NOTE = (
    "This is the bundled judge. It knows only its little world of short questions (sums, days, opposites, small "
    "facts); outside it its verdicts mean nothing. Give a judge that knows more with `selfref up --model DIR` or "
    "`--engine-url URL`."
)
WEIGHTS = "model.safetensors"
_DIGITS = 12  # hexadecimal; enough to tell any two trainings apart


def revision_of(folder: Path) -> str:
    """Which weights a folder holds, as a short SHA-256: what is trained anew is another revision."""
    with (folder / WEIGHTS).open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()[:_DIGITS]
