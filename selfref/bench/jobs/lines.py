"""Uploads to measure with: lines of one kilobyte, each another pair, as hard to compress as words are."""

import gzip
import random
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import ascii_lowercase

LINE = 1024  # bytes, its ending included
_VOCABULARY = 4096  # words of letters in no order: gzip makes a third to a half of them, as of prose
_POOL = 150_000  # words that texts are cut out of: a megabyte, far more than gzip looks back
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
def word_pool() -> str:
    """Words in no order, always the same."""
    drawn = random.Random(0)  # noqa: S311 - texts, not secrets
    words = ["".join(drawn.choices(ascii_lowercase, k=drawn.randint(2, 9))) for _ in range(_VOCABULARY)]
    return " ".join(drawn.choices(words, k=_POOL))


def _lines(count: int, *, seed: int) -> Iterator[bytes]:
    drawn = random.Random(seed)  # noqa: S311 - texts, not secrets
    pool = word_pool().encode()
    for number in range(count):
        head = b'{"prompt":"Question %d of %d: what do you know of it?","answer_a":"GOOD ' % (number, seed)
        room = LINE - len(head) - len(b'","answer_b":""}\n')
        first, second = room // 2, room - room // 2
        at = drawn.randrange(len(pool) - LINE)
        yield b'%b%b","answer_b":"%b"}\n' % (head, pool[at : at + first], pool[at + first : at + first + second])
