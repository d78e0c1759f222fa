"""A pair is asked about again as it was asked the first time, and as another job."""

import hashlib
import io
import json

import pytest

from selfref.messages import ESCAPED_MARKERS, JobLine, Preset, Provenance
from selfref.rejudging.asking import line_again, write_upload
from tests.selfref.rejudging.judgments import result

PAIR = {"prompt": "What is 2 + 2?", "answer_a": "4", "answer_b": "5"}


def provenance(votes: int) -> Provenance:
    return Provenance(engine="e", model="m", template="t", method="m", parameters={"votes": votes})


@pytest.mark.parametrize(
    ("pair", "judged", "more"),
    [
        (PAIR, result(), {"preset": "self-reference"}),
        (PAIR | {"gold": "A", "votes": None}, result(), {"preset": "self-reference"}),
        (PAIR, result(provenance=provenance(3)), {"preset": "self-reference", "votes": 3}),
        (PAIR, result(preset=Preset.PAPER, provenance=provenance(4)), {"preset": "paper"}),
        (PAIR | {"reference": "4"}, result(preset=Preset.REFERENCE), {"preset": "reference", "reference": "4"}),
        (PAIR, result(flags=(ESCAPED_MARKERS,)), {"preset": "self-reference", "markers": "escape"}),
        (PAIR, result(principle="be brief"), {"preset": "self-reference", "principle": "be brief"}),
    ],
)
def test_what_the_jobs_options_said_the_line_says_itself(pair, judged, more):
    asked = line_again(pair, judged)
    assert asked == PAIR | {"principle": "best for humanity"} | more
    assert JobLine.model_validate(asked).effective_preset() is judged.preset


def test_a_budget_of_votes_is_asked_for_again():
    made = Provenance(engine="e", model="m", template="t", method="m", parameters={"votes": "auto", "max_votes": 6})
    asked = line_again(PAIR, result(provenance=made))
    assert (asked["votes"], asked["max_votes"]) == ("auto", 6)


def test_the_key_stands_for_judgments_lines_and_repetition():
    def key(*asked, repeat=1):
        return write_upload(io.BytesIO(), asked, repeat=repeat)

    same = key(("j1", PAIR), ("j2", PAIR))
    assert key(("j1", PAIR), ("j2", PAIR)) == same
    others = [
        key(("j1", PAIR), ("j3", PAIR)),
        key(("j1", PAIR), ("j2", PAIR | {"answer_a": "four"})),
        key(("j1", PAIR)),
        key(("j1", PAIR), ("j2", PAIR), repeat=2),
    ]
    assert len({same, *others}) == 5


def test_the_upload_is_the_lines_and_its_key_is_not_their_digest():
    file = io.BytesIO()
    key = write_upload(file, [("j1", PAIR)], repeat=1)
    assert json.loads(file.getvalue()) == PAIR
    assert hashlib.sha256(file.getvalue()).hexdigest() not in key
