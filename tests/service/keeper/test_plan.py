"""What a pair takes of its tenant's turn."""

from typing import Any

import pytest

from selfref.messages import JudgeRequest
from service.admission import work_of
from service.keeper.plan import cost_of


@pytest.mark.parametrize(
    ("asked", "cost"),
    [
        ({}, 1),
        ({"votes": 5}, 5),
        ({"preset": "paper"}, 4),
        ({"votes": "auto"}, 2),
        ({"votes": "auto", "max_votes": 1}, 1),
        ({"votes": "auto", "max_votes": 16}, 2),
    ],
)
def test_a_pair_costs_its_critiques_in_each_order(asked: dict[str, Any], cost: int) -> None:
    request = JudgeRequest.model_validate({"prompt": "p", "answer_a": "a", "answer_b": "b"} | asked)
    assert cost_of(work_of(request, judgment_id="j", tenant="t")) == cost
