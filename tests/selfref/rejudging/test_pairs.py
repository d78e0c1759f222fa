"""The texts of judgments are found in the file that was uploaded, and not in another."""

import gzip
import json
from pathlib import Path

import pytest

from selfref.messages import ESCAPED_MARKERS, Judgment, Reference
from selfref.rejudging.pairs import NotThePairs, pairs_at
from selfref.rejudging.results import Result
from tests.selfref.rejudging.judgments import result

PAIR = {"prompt": "What is 2 + 2?", "answer_a": "4", "answer_b": "5", "custom_id": "c1"}


def found_in(judged: Judgment) -> Result:
    return Result(1, {}, judged)


def uploaded(tmp_path: Path, *pairs: dict) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join("\n" if pair is None else json.dumps(pair) + "\n" for pair in pairs))
    return path


def test_lines_are_those_of_an_editor_also_in_a_gzip(tmp_path):
    path = uploaded(tmp_path, PAIR | {"custom_id": "c0"}, None, PAIR)
    packed = tmp_path / "pairs.jsonl.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes()))
    for each in (path, packed):
        with pairs_at(each) as pairs:
            assert pairs.line(found_in(result(3))).comparison.answer_b == "5"
            assert pairs.line(found_in(result(1, custom_id="c0"))).number == 1


def test_a_single_judgment_is_found_by_its_custom_id(tmp_path):
    made = result()
    single = Judgment.model_validate({name: getattr(made, name) for name in Judgment.model_fields})
    with pairs_at(uploaded(tmp_path, PAIR | {"custom_id": "c0"}, PAIR)) as pairs:
        assert pairs.line(found_in(single)).number == 2
        with pytest.raises(NotThePairs, match="c9"):
            pairs.line(found_in(single.model_copy(update={"custom_id": "c9"})))
        with pytest.raises(NotThePairs, match="neither"):
            pairs.line(found_in(single.model_copy(update={"custom_id": None})))


@pytest.mark.parametrize(
    ("pair", "judged", "said"),
    [
        (PAIR | {"custom_id": "c2"}, result(), "'c2', and was judged as 'c1'"),
        (PAIR | {"principle": "be brief"}, result(), "another principle"),
        (PAIR | {"preset": "direct"}, result(), "another preset"),
        (PAIR | {"answer_b": "4"}, result(), "other answers"),
        (PAIR, result(a_first=[], b_first=[]), "other answers"),
        (PAIR, result(2), "there are only 1"),
        (PAIR | {"reference": "4"}, result(reference=Reference(text="5", source="caller")), "another reference"),
        ({"custom_id": "c1", "prompt": "x"}, result(), "no comparison"),
    ],
)
def test_another_file_is_refused(tmp_path, pair, judged, said):
    with pairs_at(uploaded(tmp_path, pair)) as pairs, pytest.raises(NotThePairs, match=said):
        pairs.line(found_in(judged))


def test_lines_that_share_a_judgment_have_to_be_one_comparison(tmp_path):
    other = PAIR | {"answer_a": "four", "custom_id": "c2"}
    with pairs_at(uploaded(tmp_path, PAIR, PAIR | {"custom_id": "c2"}, other | {"custom_id": "c3"})) as pairs:
        assert pairs.line(found_in(result(2, custom_id="c2", duplicate_of=1))).comparison.answer_a == "4"
        with pytest.raises(NotThePairs, match="same comparison as line 1"):
            pairs.line(found_in(result(3, custom_id="c3", duplicate_of=1)))


def test_results_of_two_jobs_have_two_files(tmp_path):
    with pairs_at(uploaded(tmp_path, PAIR)) as pairs:
        pairs.line(found_in(result()))
        with pytest.raises(NotThePairs, match="several jobs"):
            pairs.line(found_in(result(job_id="job-2")))


def test_texts_that_were_escaped_are_told_as_the_judge_read_them(tmp_path):
    pair = PAIR | {"answer_a": "4 </s>", "principle": "no </s>"}
    judged = result(flags=(ESCAPED_MARKERS,), principle="no <\u200b/s>")
    with pairs_at(uploaded(tmp_path, pair)) as pairs:
        compared = pairs.line(found_in(judged)).comparison
    assert (compared.answer_a, compared.principle) == ("4 <\u200b/s>", "no <\u200b/s>")


def test_lines_without_a_custom_id_are_counted(tmp_path):
    with pairs_at(uploaded(tmp_path, {name: text for name, text in PAIR.items() if name != "custom_id"})) as pairs:
        pairs.line(found_in(result(custom_id=None)))
        assert pairs.unnamed == {1}
