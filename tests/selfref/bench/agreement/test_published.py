"""Published figures stand beside the set they were published for, whole, and beside nothing else."""

import pytest

from selfref.bench.agreement.published import published_for
from selfref.bench.agreement.scoring import FIGURES


@pytest.mark.parametrize(("beginning", "rows", "judges"), [("llmbar-", 419, 3), ("pandalm-", 999, 2), ("hhh-", 221, 2)])
def test_a_whole_set_has_its_published_figures(beginning, rows, judges):
    found = published_for([f"{beginning}{number}" for number in range(rows)])
    assert len(found) == judges
    for each in found:
        assert each.keys() - {"judge", "source"} <= set(FIGURES)
    assert published_for([f"{beginning}{number}" for number in range(rows - 1)]) == []
    assert published_for([f"{beginning}{number}" for number in range(rows - 1)] + ["mine"]) == []
