"""The upload that asks a judge once more about what it has judged, and the key under which it is one job.

A line that left something to the job's options says it itself: principle, preset and votes are those of its judgment.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, BinaryIO

import orjson

from selfref.messages import ESCAPED_MARKERS, Judgment, Preset

_VOTES = ("votes", "max_votes")  # as a request and a provenance both name them


def line_again(content: dict[str, Any], judgment: Judgment) -> dict[str, Any]:
    """The line as it has to be sent so that it is judged in the same way."""
    asked = {name: value for name, value in content.items() if value is not None and name != "gold"}
    asked = {"principle": judgment.principle, "preset": judgment.preset.value} | asked
    made = judgment.provenance.parameters
    if made.get("votes", 1) != 1 and judgment.preset is not Preset.PAPER:
        asked = {name: made[name] for name in _VOTES if name in made} | asked
    if ESCAPED_MARKERS in judgment.flags:
        asked.setdefault("markers", "escape")
    return asked


def write_upload(file: BinaryIO, asked: Iterable[tuple[str, dict[str, Any]]], *, repeat: int) -> str:
    """Write the lines, each given with the id of its first judgment; the Idempotency-Key of the job.

    The same lines of the same judgments are the same job, however often the command is started, and `repeat` makes them
    another. The first job's own key is never it, whatever that was made of: it would answer with the first judgments.
    """
    digest = hashlib.sha256(f"selfref rejudge\n{repeat}\n".encode())
    for judgment_id, content in asked:
        line = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
        file.write(line)
        digest.update(judgment_id.encode() + b"\n" + line)
    file.flush()
    return f"rejudge-{digest.hexdigest()}"
