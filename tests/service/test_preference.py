"""The Prefer header, row by row."""

import pytest

from service.preference import parse_prefer


@pytest.mark.parametrize(
    ("values", "wait", "applied"),
    [
        ([], 30, None),
        (["wait=10"], 10, "wait=10"),
        (["wait=0"], 0, "wait=0"),
        (['wait="7"'], 7, "wait=7"),
        (["Wait = 5"], 5, "wait=5"),
        (["wait=9000"], 60, "wait=60"),
        (["respond-async"], 0, "respond-async"),
        (["respond-async, wait=10"], 10, "respond-async, wait=10"),
        (["wait=10", "respond-async"], 10, "respond-async, wait=10"),
        (["wait=3, wait=8"], 3, "wait=3"),
        (["return=minimal"], 30, None),
        (["wait=-1"], 30, None),
        (["wait=ten"], 30, None),
        (["wait=1e9"], 30, None),
        (["wait=" + "9" * 5000], 30, None),
        (["wait=4; q=1"], 4, "wait=4"),
        ([", ,;="], 30, None),
    ],
)
def test_what_is_understood_is_honoured_and_said_and_the_rest_is_ignored(values, wait, applied):
    preference = parse_prefer(values, default=30, most=60)
    assert (preference.wait, preference.applied) == (wait, applied)


def test_the_default_wait_is_never_above_the_most_that_is_allowed():
    assert parse_prefer([], default=30, most=5).wait == 5
