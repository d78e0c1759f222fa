"""Files of labelled pairs for tests: one answer of each carries the word GOOD, which the stub's honest judge wants."""

import json
from pathlib import Path


def write_labelled(path: Path, *, rows: int) -> Path:
    """A file in which the good answer is labelled, and is always the shorter one."""
    good, bad = "a GOOD answer", "another answer, "
    with path.open("w") as file:
        for number in range(rows):
            gold = "AB"[number % 2]
            answers = {"A": good, "B": bad * (1 + number % 3)} if gold == "A" else {"A": bad, "B": good}
            row = {
                "id": f"row-{number}",
                "prompt": f"Question {number}?",
                "answer_a": answers["A"],
                "answer_b": answers["B"],
                "human_label": gold,
                "meta": {"kind": ["easy", "hard"][number % 3 == 0]},
            }
            file.write(f"{json.dumps(row)}\n")
    return path
