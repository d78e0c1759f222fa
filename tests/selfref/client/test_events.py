"""Server-sent events, line by line, and how often a lost stream is asked for again."""

import pytest

from selfref.client import Unreachable
from selfref.client.conversations import Policy
from selfref.client.events import Event, Events, Following


def test_lines_make_events() -> None:
    events = Events()
    lines = [": still here", "", "event: progress", "data: {}", "id: 7", "retry: 1000", "", "data:x", ""]
    assert [found for line in lines if (found := events.take(line))] == [
        Event("progress", "7", "{}"),
        Event("message", "", "x"),
    ]


def test_a_stream_that_tells_nothing_is_given_up_after_as_many_tries_as_allowed() -> None:
    following = Following("job", Policy(url="http://x", retries=2))
    pauses = [following.lost("gone"), following.lost("gone")]
    assert 0 < pauses[0] < pauses[1]
    with pytest.raises(Unreachable, match="gone"):
        following.lost("gone")
