"""A name for every call, so that its repetition after a lost reply is recognised as the same call."""

import itertools
import os

_process = os.urandom(9).hex()
_numbers = itertools.count()


def new_call() -> str:
    """A name that no other call has had, in this process or any other."""
    return f"{_process}.{next(_numbers)}"
