"""The names of arms."""

import pytest

from selfref.bench.agreement.arms import Arm, read_arm
from selfref.client.conversations import How


@pytest.mark.parametrize(
    ("text", "arm", "how", "most"),
    [
        ("direct", Arm("direct"), {}, 1),
        ("direct@4", Arm("direct", votes=4), {"votes": 4}, 4),
        ("direct@auto", Arm("direct", votes="auto"), {"votes": "auto"}, 8),
        ("direct@auto:4", Arm("direct", votes="auto", budget=4), {"votes": "auto", "max_votes": 4}, 4),
        ("GPT-4/CoT", Arm("GPT-4/CoT"), {}, 1),
    ],
)
def test_a_name_says_what_is_asked_and_how_often(text: str, arm: Arm, how: How, most: int) -> None:
    assert read_arm(text) == arm
    assert arm.how(How(principle="short")) == {"principle": "short", **how}
    assert arm.most == most


@pytest.mark.parametrize(
    "text", ["direct@", "direct@0", "direct@17", "direct@many", "direct@auto:", "direct@4:4", "d@²"]
)
def test_a_name_that_says_it_wrongly_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="behind the @ stands"):
        read_arm(text)
