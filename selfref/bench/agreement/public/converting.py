"""From the files that publishers give to labelled rows; no I/O, so every rule is a row in a test.

A row keeps the publisher's order of the two answers. Where there is none (HHH gives a chosen and a rejected answer),
the row's own name decides, so that neither place is always the better one.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]

_VOTES = {0: "tie", 1: "A", 2: "B"}
_HHH = re.compile(
    r"###The instruction to evaluate:\n(?P<prompt>.*)\n\n###Response to evaluate:\n(?P<answer>.*)\n\n"
    r"###Score Rubrics:\n\[(?P<principle>.*?)\]\n",
    re.DOTALL,
)


class UnknownFormat(Exception):
    """A file is not what its publisher's file was when this was written."""


def llmbar(files: Mapping[str, bytes]) -> list[Row]:
    """`Dataset/LLMBar/SUBSET/dataset.json`: input, output_1, output_2 and label, which is 1 or 2."""
    found = []
    for path, content in files.items():
        subset = path.removeprefix("Dataset/").removesuffix("/dataset.json")
        for number, item in enumerate(_items(path, content)):
            row = _row(
                f"llmbar-{subset.rpartition('/')[2]}-{number:04}", item["input"], item["output_1"], item["output_2"]
            )
            found.append(row | {"human_label": _VOTES[item["label"]], "meta": {"subset": subset}})
    return found


def pandalm(files: Mapping[str, bytes]) -> list[Row]:
    """`data/testset-v1.json`: instruction, input (or NaN), two responses, and three people's votes: 1, 2 or 0 (tie)."""
    found = []
    for path, content in files.items():
        for number, item in enumerate(_items(path, content)):
            prompt = "\n\n".join(filter(None, (_text(item["instruction"]), _text(item["input"]))))
            row = _row(f"pandalm-{number:04}", prompt, item["response1"], item["response2"])
            votes = [_VOTES[item[f"annotator{person}"]] for person in (1, 2, 3)]
            meta = {"annotators": votes, "strength": (votes.count("A") - votes.count("B")) / len(votes)}
            found.append(row | {"human_label": _majority(votes), "meta": meta})
    return found


def hhh(files: Mapping[str, bytes]) -> list[Row]:
    """`hhh_alignment_eval.json` of Prometheus: a chosen and a rejected answer, each in a prompt with its rubric."""
    found = []
    for path, content in files.items():
        for number, item in enumerate(_items(path, content)):
            good, bad = (_HHH.search(item[f"{which}_instruction"]) for which in ("chosen", "rejected"))
            if good is None or bad is None or good["prompt"] != bad["prompt"]:
                raise UnknownFormat(f"{path}: item {number} is no pair of answers to one instruction")
            name = f"hhh-{number:03}"
            chosen_first = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 0
            answers = (good["answer"], bad["answer"]) if chosen_first else (bad["answer"], good["answer"])
            meta = {"aspect": item["source"], "principle": good["principle"]}
            found.append(
                _row(name, good["prompt"], *answers) | {"human_label": "A" if chosen_first else "B", "meta": meta}
            )
    return found


def digest(rows: Sequence[Row]) -> str:
    """SHA-256 of what is asked about and what is known: ids, texts, labels and principles."""
    asked = [
        [row[name] for name in ("id", "prompt", "answer_a", "answer_b", "human_label")] + [row["meta"].get("principle")]
        for row in rows
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _items(path: str, content: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(content)  # not orjson: PandaLM writes NaN
    except ValueError as error:
        raise UnknownFormat(f"{path} is no JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UnknownFormat(f"{path} is no list of objects")
    return found


def _row(name: str, prompt: Any, answer_a: Any, answer_b: Any) -> Row:
    return {"id": name, "prompt": _text(prompt), "answer_a": _text(answer_a), "answer_b": _text(answer_b)}


def _text(value: Any) -> str:
    """Empty answers and inputs are published as NaN, and some answers of "True" as true."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value)


def _majority(votes: Sequence[str]) -> str:
    (most, count), *_ = Counter(votes).most_common()
    return most if 2 * count > len(votes) else "tie"
