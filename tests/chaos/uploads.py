"""Uploads to be sent as jobs: good lines, duplicates, checks, and lines to be refused. Pure functions of a seed."""

import random
from typing import Any

import orjson

from tests.chaos.history import Line, LineKind, Upload, mark

_BAD = (
    b'{"prompt": "cut off", "answer_a": ',
    b"not JSON at all",
    b'{"prompt": "no answers"}',
    b'{"prompt": " ", "answer_a": "x", "answer_b": "y"}',
    b'{"prompt": "p", "answer_a": true, "answer_b": "y"}',
    b'{"prompt": "\xff\xfe", "answer_a": "x", "answer_b": "y"}',
    b'{"prompt": "p\\u0000", "answer_a": "x", "answer_b": "y"}',
    b"[1, 2, 3]",
)


def upload(*, tenant: str, key: str, pairs: int, chance: random.Random) -> tuple[Upload, bytes]:
    """About so many pairs, with their share of other lines; what each line is meant to become, and the body."""
    lines: list[Line] = []
    texts: list[bytes] = []
    good: list[tuple[int, dict[str, Any]]] = []
    for _ in range(pairs):
        drawn, number = chance.random(), len(texts) + 1
        custom_id = f"line-{number}"
        if drawn < 0.04:
            texts.append(b"  ")  # blank: counted for line numbers, and nowhere else
        elif drawn < 0.09:
            lines.append(Line(number, custom_id, LineKind.BAD))
            texts.append(chance.choice(_BAD))
        elif drawn < 0.11 and good:
            lines.append(Line(number, custom_id, LineKind.BAD))  # a custom_id that an earlier line has
            texts.append(
                orjson.dumps(_pair(tenant, key, f"again-{number}", chance) | {"custom_id": f"line-{good[0][0]}"})
            )
        elif drawn < 0.2 and good:
            first, pair = chance.choice(good)
            lines.append(Line(number, custom_id, LineKind.DUPLICATE, first))
            texts.append(orjson.dumps(pair | {"custom_id": custom_id}))
        elif drawn < 0.23:
            lines.append(Line(number, custom_id, LineKind.GOLD))
            texts.append(orjson.dumps(_pair(tenant, key, custom_id, chance) | {"gold": chance.choice("AB")}))
        else:
            pair = _pair(tenant, key, custom_id, chance)
            lines.append(Line(number, custom_id, LineKind.GOOD))
            texts.append(orjson.dumps(pair | {"custom_id": custom_id}))
            good.append((number, pair))
    ends = chance.choice((b"\n", b"\r\n"))
    body = ends.join(texts) + chance.choice((b"", ends))
    return Upload(tenant=tenant, key=key, lines=tuple(lines)), body


def _pair(tenant: str, key: str, custom_id: str, chance: random.Random) -> dict[str, Any]:
    whose = mark(tenant, key, custom_id)
    answers = [f"GOOD {whose}", "bad"]
    chance.shuffle(answers)
    preset = "direct" if chance.random() < 0.85 else "self-reference"
    return {"prompt": f"Question {whose}", "answer_a": answers[0], "answer_b": answers[1], "preset": preset}
