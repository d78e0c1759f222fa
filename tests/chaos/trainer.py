"""A reader of the label feed that behaves like a trainer: it may be killed anywhere, and goes on where it was.

    python -m tests.chaos.trainer FILE KEY URL [URL ...]

FILE holds its whole state as JSON: the cursor, and every label applied so far, in order. Each page is applied together
with the cursor behind it by one rename. A label whose id is known is dropped, as the feed's readers are told to.
Only the standard library: it is started many times.
"""

import http.client
import itertools
import json
import os
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

PAGE, WAIT, PATIENCE = 7, 1, 4.0  # labels, seconds to wait for one, seconds for an answer
PAUSE = 0.2  # seconds after an answer that was none


def main(file: Path, key: str, urls: list[str]) -> None:
    """Read for ever."""
    state = json.loads(file.read_text()) if file.exists() else {"cursor": None, "applied": [], "read": 0}
    known = {label["id"] for label in state["applied"]}
    for url in itertools.cycle(urls):
        answer = _page(url, key, after=state["cursor"])
        if answer is None:
            time.sleep(PAUSE)
            continue
        labels, cursor = answer
        for label in labels:
            if label["id"] not in known:
                known.add(label["id"])
                state["applied"].append(label)
        if cursor != state["cursor"]:
            state["cursor"] = cursor
            state["read"] += len(labels)
            _commit(file, state)


def _page(url: str, key: str, *, after: str | None) -> tuple[list[dict[str, Any]], str] | None:
    """The labels after a cursor and the cursor behind them; None where the gateway could not say."""
    query = {"limit": PAGE, "wait": WAIT} | ({"after": after} if after else {})
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.request(
            "GET", f"/labels?{urllib.parse.urlencode(query)}", headers={"Authorization": f"Bearer {key}"}
        )
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    cursor = response.getheader("Selfref-Cursor")
    if response.status != 200 or cursor is None:
        return None
    return [json.loads(line) | {"at": time.monotonic()} for line in body.splitlines()], cursor


def _commit(file: Path, state: dict[str, Any]) -> None:
    aside = file.with_suffix(".part")
    with aside.open("w") as part:
        json.dump(state, part)
        part.flush()
        os.fsync(part.fileno())
    aside.replace(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
