"""The Lua scripts: read once from the package, run by digest, loaded again when Redis has forgotten them.

Redis logs and replicates what a script did, as one transaction, and not its text (the default since 5.0): stream ids
made by XADD * are the same after a restart, and a log that breaks off holds all of a script or nothing.

A script that begins with `-- uses: NAME, NAME` is sent with each `scripts/parts/NAME.lua` in front.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FOLDER = "scripts"
_USES = re.compile(r"-- uses: (.+)\n")


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the digest that EVALSHA names it by."""

    name: str
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script in `scripts/<name>.lua`. Raises FileNotFoundError where there is none."""
    text = (files("selfref.store") / FOLDER / f"{name}.lua").read_text()
    if used := _USES.match(text):
        parts = files("selfref.store") / FOLDER / "parts"
        text = "".join((parts / f"{part}.lua").read_text() for part in used[1].split(", ")) + text
    return Script(name=name, text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@cache
def every_script() -> tuple[Script, ...]:
    """All scripts of the package."""
    names = (entry.name for entry in (files("selfref.store") / FOLDER).iterdir())
    return tuple(script(name.removesuffix(".lua")) for name in sorted(names) if name.endswith(".lua"))
