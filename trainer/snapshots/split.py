"""Which prompts are held out: decided by the prompt alone, so that it is the same in every snapshot; no I/O."""

import hashlib

import orjson

from selfref.exports.preferences import turns_of
from selfref.messages import Prompt

RULE = (
    "held out where the first 8 bytes (big-endian) of the SHA-256 of the prompt's turns, as JSON with sorted keys and "
    "without spaces, are below heldout_share times 2^64"
)


def is_held_out(prompt: Prompt, *, share: float) -> bool:
    """True for about `share` (0 to 1) of all prompts; the same for one text and for its only turn of a user."""
    turns = orjson.dumps(turns_of(prompt), option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.sha256(turns).digest()[:8], "big") < share * 2**64
