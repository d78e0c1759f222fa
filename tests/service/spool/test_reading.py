"""Lines as they lie in a file: numbered as editors number them, found where they are, never in memory when too long."""

import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from service.spool.reading import Line, lines

MB = 1_000_000


def read(content: bytes, *, most: int = 8) -> list[Line]:
    return [line for line in lines(io.BytesIO(content), most_bytes=most) if line is not None]


def test_endings_and_a_mark_at_the_beginning_belong_to_no_line() -> None:
    assert read(b"\xef\xbb\xbfone\r\n\ntwo\rx\nlast") == [
        Line(1, 3, 3, b"one"),
        Line(2, 8, 0, b""),
        Line(3, 9, 5, b"two\rx"),
        Line(4, 15, 4, b"last"),
    ]


@given(st.lists(st.binary(max_size=20).filter(lambda text: not {10, 13} & set(text)), max_size=9), st.booleans())
def test_every_line_is_found_at_its_place_and_only_short_ones_are_read(texts: list[bytes], ended: bool) -> None:
    content = b"x\n" + b"".join(text + b"\n" for text in texts) + (b"" if ended else b"end")
    found = read(content)
    assert [line.number for line in found] == list(range(1, len(found) + 1))
    assert [content[line.offset : line.offset + line.size] for line in found] == [b"x", *texts, *[b"end"][ended:]]
    assert [line.text for line in found] == [
        text if len(text) <= 8 else None for text in (b"x", *texts, *[b"end"][ended:])
    ]


def test_a_line_of_many_megabytes_is_passed_over_in_little_memory_and_many_small_steps() -> None:
    content = io.BytesIO(b"{}\n" + b"x" * (40 * MB) + b"\r\n{}\n")
    tracemalloc.start()
    try:
        steps = list(lines(content, most_bytes=MB))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [line for line in steps if line is not None] == [
        Line(1, 0, 2, b"{}"),
        Line(2, 3, 40 * MB, None),
        Line(3, 40 * MB + 5, 2, b"{}"),
    ]
    assert steps.count(None) > 30
    assert peak < 6 * MB
