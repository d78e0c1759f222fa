"""The `Prefer` header (RFC 7240): how long the caller wants to wait. It says to ignore what is not understood."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_WAIT = 30.0  # seconds; under the 60 s after which proxies commonly give up
_WAIT = re.compile(r'"?(\d{1,9})"?')


@dataclass(frozen=True)
class Preference:
    """Seconds to hold the request open, and which preferences that honours, for `Preference-Applied`."""

    wait: float
    applied: str | None

    @property
    def headers(self) -> dict[str, str]:
        """`Preference-Applied`, where a preference was."""
        return {} if self.applied is None else {"Preference-Applied": self.applied}


def parse_prefer(values: Sequence[str], *, default: float, most: float) -> Preference:
    """`wait=N` is honoured up to `most`; `respond-async` without it means not to wait; the first of each counts."""
    wait: float | None = None
    respond_async = False
    for item in ",".join(values).split(","):
        name, _, value = item.partition(";")[0].partition("=")
        name = name.strip().lower()
        if name == "respond-async":
            respond_async = True
        elif name == "wait" and wait is None and (number := _WAIT.fullmatch(value.strip())):
            wait = min(float(number[1]), most)
    applied = (["respond-async"] if respond_async else []) + ([] if wait is None else [f"wait={wait:.0f}"])
    if wait is None:
        wait = 0.0 if respond_async else min(default, most)
    return Preference(wait, ", ".join(applied) or None)
