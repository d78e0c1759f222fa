"""Uploads to measure with: lines of one kilobyte, each another pair, as hard to compress as English is."""

import gzip
import random
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics

LINE = 1024  # bytes, its ending included
_GZIP_LEVEL = 6


def write_lines(path: Path, count: int, *, seed: int = 0) -> None:
    """`count` lines; answer A carries GOOD, which the stub engine prefers."""
    with path.open("wb", buffering=1024 * 1024) as file:
        file.writelines(_lines(count, seed=seed))


def compressed(path: Path) -> Path:
    """The same file as gzip beside it."""
    packed = path.with_suffix(".gz")
    with path.open("rb") as lines, gzip.open(packed, "wb", _GZIP_LEVEL) as file:
        shutil.copyfileobj(lines, file, 1024 * 1024)
    return packed


@cache
def prose() -> str:
    """English text of some 430 kB, the same for each version of Python: the topics of its `help`, in plain ASCII.

    What packs like real answers matters here: 44 % of 2 kB stay (of LLMBar's answers 48 %, of Arena-Hard's 44 %).
    """
    return re.sub(r'["\\\s\x80-\U0010ffff]+', " ", " ".join(topics.values()))


def _lines(count: int, *, seed: int) -> Iterator[bytes]:
    drawn = random.Random(seed)  # noqa: S311 - texts, not secrets
    pool = prose().encode()
    for number in range(count):
        head = b'{"prompt":"Question %d of %d: what do you know of it?","answer_a":"GOOD ' % (number, seed)
        room = LINE - len(head) - len(b'","answer_b":""}\n')
        first, second = room // 2, room - room // 2
        at = drawn.randrange(len(pool) - LINE)
        yield b'%b%b","answer_b":"%b"}\n' % (head, pool[at : at + first], pool[at + first : at + first + second])
