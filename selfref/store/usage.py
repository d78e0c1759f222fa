"""What judging has cost, as Redis keeps it in one field and adds to it (`scripts/parts/usage.lua`)."""

import struct

from selfref.messages import Usage

_LAYOUT = struct.Struct("<QQQ")


def pack_usage(usage: Usage) -> bytes:
    """As it is stored."""
    return _LAYOUT.pack(usage.calls, usage.prompt_tokens, usage.completion_tokens)


def unpack_usage(stored: bytes | None) -> Usage:
    """From what is stored; None where nothing has been spent yet."""
    if stored is None:
        return Usage()
    calls, prompt_tokens, completion_tokens = _LAYOUT.unpack(stored)
    return Usage(calls=calls, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
