"""Lines of results are read, kept or refused by their number."""

import json

import pytest

from selfref.messages import JobResult
from selfref.rejudging.results import UnusableResults, read_results
from tests.selfref.rejudging.judgments import result

GOOD = result().model_dump_json()
SINGLE = json.dumps({name: value for name, value in json.loads(GOOD).items() if name not in ("line", "duplicate_of")})


def test_a_line_of_a_job_and_a_single_judgment_are_both_read():
    ofjob, single = read_results([GOOD.encode(), b"\n", SINGLE.encode()])
    assert (ofjob.line, single.line, single.number) == (1, None, 3)
    assert JobResult.model_validate_json(ofjob.told(ofjob.judgment)) == result()


@pytest.mark.parametrize("status", ["failed", "canceled", "waiting"])
def test_a_pair_without_a_judgment_is_kept_as_it_is(status):
    (kept,) = read_results([json.dumps({"status": status, "id": "x", "what": "ever"}).encode()])
    assert kept.judgment is None
    assert kept.content == {"status": status, "id": "x", "what": "ever"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (GOOD[:-9], "no JSON"),
        ("[1]", "no judgment"),
        ('{"prompt": "What?"}', "no judgment"),
        (GOOD.replace('"probability_a"', '"probability_b"'), "probability_a"),
    ],
)
def test_anything_else_is_refused_with_its_line(line, said):
    with pytest.raises(UnusableResults, match=said) as refused:
        list(read_results([GOOD.encode(), line.encode()]))
    assert "line 2" in str(refused.value)
