"""What judges said elsewhere, read from a file and counted as our own judgments are.

JSON lines, plain or gzip: `{item, judge, strategy, swapped, repo_parsed_winner, gold}`, one for every pair in each
order, made from the judges' replies in LLMBar's repository. `item` is the pair's id; `repo_parsed_winner` is what those
who ran the judge read from its reply, "1" for answer A and "2" for answer B whichever was shown first (`swapped`: B
was), null where they could not read it. Replies themselves are never parsed here. A pair has failed where a reply is
missing or unread; what its other reply says still counts as a reading, as it does in the figures that were published.
"""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.files import BadLines, read_lines
from selfref.bench.agreement.rows import Known, Lean, Letter, Reading, Row
from selfref.messages import Usage

UNREADABLE = "unreadable_reply"  # the failure of a pair with a reply that is missing or could not be read
_GZIP = b"\x1f\x8b"
Said: TypeAlias = dict[tuple[str, bool], Letter | None]  # by pair, and whether B was shown first; None: unread
_ANSWERS: dict[str | None, Letter | None] = {"1": "A", "2": "B", None: None}


class Reply(BaseModel):
    """One line as it is read."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    item: str
    judge: str
    strategy: str
    swapped: bool
    repo_parsed_winner: Literal["1", "2"] | None
    gold: Lean

    @property
    def arm(self) -> str:
        """The name that this judge is compared under."""
        return f"{self.judge}/{self.strategy}"


def recorded_replies(path: Path, cases: Sequence[Case]) -> dict[str, Said]:
    """What every judge of the file, in every strategy, said of these pairs; as arms, in their order in the file.

    Raises BadLines where a reply is of no such pair, has another gold, or is there twice; and OSError.
    """
    content = path.read_bytes()
    replies = read_lines(path, gzip.decompress(content) if content.startswith(_GZIP) else content, Reply)
    known = {case.id: case.known for case in cases}
    found: dict[str, Said] = {}
    faults = []
    for number, reply in replies:
        said = found.setdefault(reply.arm, {})
        if fault := _fault(reply, known, said):
            faults.append((number, fault))
        said[reply.item, reply.swapped] = _ANSWERS[reply.repo_parsed_winner]
    if faults:
        raise BadLines(path, faults)
    return found


def recorded_rows(said: Said, cases: Sequence[Case]) -> list[Row]:
    """What one arm made of these pairs: one reply in each order."""
    return [_row(case, said) for case in cases]


def _fault(reply: Reply, known: Mapping[str, Known], said: Said) -> str | None:
    if reply.item not in known:
        return f"there is no pair {reply.item!r} in the file of pairs"
    if known[reply.item].gold != reply.gold:
        return f"gold of {reply.item!r} is {reply.gold} here and {known[reply.item].gold} in the file of pairs"
    if (reply.item, reply.swapped) in said:
        return f"{reply.arm} has answered {reply.item!r} in this order before"
    return None


def _row(case: Case, said: Said) -> Row:
    a_first, b_first = said.get((case.id, False)), said.get((case.id, True))
    readings = (Reading("A", a_first), Reading("B", b_first))
    spent = Usage(calls=len(readings))
    if a_first is None or b_first is None:
        return Row(known=case.known, verdict=None, readings=readings, failure=UNREADABLE, spent=spent)
    verdict = a_first if a_first == b_first else "inconsistent"
    return Row(known=case.known, verdict=verdict, readings=readings, spent=spent)
