"""`selfref rejudge`: on files alone, and against a real service whose judge prefers what contains GOOD."""

import hashlib
import json
import uuid
from pathlib import Path

import pytest

from selfref import Client
from selfref.deciding import Scale
from selfref.messages import JobResult, Verdict
from selfref.stack.datadir import Running
from tests.selfref.cli.running import selfref
from tests.selfref.deciding.calibrations import calibration, calibrations, judge
from tests.selfref.rejudging.judgments import result

NOWHERE = ("--url", "http://127.0.0.1:9")
PAIRS = [
    {"prompt": f"What is 2 + {number}?", "answer_a": str(2 + number), "answer_b": "5", "custom_id": f"c{number}"}
    for number in (1, 2, 9)
]
FAILED = {"version": 1, "id": "job-1.4", "status": "failed", "error": {"code": "too_long"}}
JUDGED = [
    result(1, custom_id="c1"),
    result(2, custom_id="c2", a_first=[(-0.5, -0.9)], b_first=[(-0.5, -0.9)]),
    result(3, custom_id="c9", a_first=[None], b_first=[None]),
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Results, one of a pair that failed among them, and the pairs that they are of."""
    results, pairs = tmp_path / "results.jsonl", tmp_path / "pairs.jsonl"
    lines = [each.model_dump_json() for each in JUDGED]
    results.write_text("\n".join([*lines[:2], json.dumps(FAILED), lines[2]]) + "\n")
    pairs.write_text("".join(json.dumps(each) + "\n" for each in PAIRS))
    return results, pairs


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_without_a_new_scale_it_verifies_and_asks_nobody(files):
    shown = selfref("rejudge", str(files[0]), "--reparse", *NOWHERE)
    assert shown.exit_code == 0, shown.output
    assert "0 of 3 judgments differ" in shown.stdout
    assert "4 of 6 readings have both" in shown.stdout
    assert "1 lines of pairs without a judgment" in shown.stdout
    assert "1 judgments without log-probabilities" in shown.stdout


def test_a_judgment_that_is_not_what_its_readings_say_is_named_and_ends_with_1(files):
    results, _ = files
    changed = [JUDGED[0].model_copy(update={"verdict": Verdict.B, "probability_a": 0.2}), JUDGED[1]]
    wrong = JUDGED[2].model_dump(mode="json")
    odd = JUDGED[0].model_dump(mode="json") | {"id": "job-1.9", "line": 9, "custom_id": "c10"}
    odd["orders"][0]["semantic_perplexity"]["a"] = 2.0
    results.write_text("".join(each.model_dump_json() + "\n" for each in changed))
    with results.open("a") as file:
        file.write(json.dumps(wrong) + "\n" + json.dumps(odd) + "\n")
    shown = selfref("rejudge", str(results), "--reparse")
    assert shown.exit_code == 1
    assert "1 of 4 judgments differ" in shown.stdout
    assert "c1 (job-1.1): verdict, probability_a" in shown.stdout
    assert "1 have log-odds that their perplexities contradict" in shown.stdout
    assert "job-1.9" in shown.stdout
    told = json.loads(selfref("rejudge", str(results), "--reparse", "--json").stdout)
    assert told["differing"]["first"] == [{"id": "job-1.1", "custom_id": "c1", "fields": ["verdict", "probability_a"]}]
    assert told["log_odds"]["off"] == {"count": 1, "first": ["job-1.9"]}


def test_a_wider_tie_is_written_as_results_and_as_labels(files, tmp_path):
    out, labels = tmp_path / "new.jsonl", tmp_path / "labels.jsonl"
    places = ("--out", str(out), "--pairs", str(files[1]), "--labels", str(labels))
    shown = selfref("rejudge", str(files[0]), "--reparse", "--tie-width", "1", "--temperature", "2", *places)
    assert shown.exit_code == 0, shown.output
    assert "labels: 3 before, 2 now; 0 appear, 1 disappear, 0 flip" in shown.stdout
    assert "2 labels written" in shown.stdout
    first, second, failed, third = read(out)
    assert failed == FAILED
    assert [each["verdict"] for each in (first, second, third)] == ["A", "tie", "A"]
    assert first["provenance"]["parameters"]["odds_temperature"] == 2
    assert JobResult.model_validate(first).line == 1
    rows = read(labels)
    assert [row["id"] for row in rows] == ["job-1.1", "job-1.3"]
    assert rows[0]["chosen"] == [{"role": "assistant", "content": "3"}]
    assert rows[0]["margin"] == first["strength"]
    again = selfref("rejudge", str(out), "--reparse")
    assert "0 of 3 judgments differ" in again.stdout, "what was written is what its readings say on the scale it names"


def test_labels_come_in_every_form_and_name_the_new_scale(files, tmp_path):
    def labels(format_: str, *options: str) -> Path:
        path = tmp_path / f"labels-{uuid.uuid4()}"
        made = ("--pairs", str(files[1]), "--labels", str(path), "--format", format_)
        assert selfref("rejudge", str(files[0]), "--reparse", *options, *made).exit_code == 0
        return path

    old, new = read(labels("jsonl")), read(labels("jsonl", "--temperature", "3"))
    assert [each["verdict"] for each in old] == ["A", "A", "A"]
    assert all(one["provenance"] != other["provenance"] for one, other in zip(old, new, strict=True))
    assert new[0]["strength"] < old[0]["strength"]
    assert labels("openrlhf").read_bytes() == labels("trl").read_bytes()
    assert labels("parquet").read_bytes().startswith(b"PAR1")


def test_a_calibration_is_read_for_its_own_judge_and_for_no_other(files, tmp_path):
    file, out = tmp_path / "calibrations.json", tmp_path / "new.jsonl"
    own = judge(revision=None, template="t", chat_template="c")
    fitted = calibration(own, temperature=3.0)
    file.write_text(calibrations(fitted).model_dump_json())
    shown = selfref("rejudge", str(files[0]), "--reparse", "--calibration", str(file), "--out", str(out))
    assert shown.exit_code == 0, shown.output
    assert Scale.of(JobResult.model_validate(read(out)[0]).provenance) == Scale(0.1, 3.0, fitted.digest)
    file.write_text(calibrations(calibration(judge(model="another"))).model_dump_json())
    refused = selfref(
        "rejudge", str(files[0]), "--reparse", "--calibration", str(file), "--out", str(out), "--overwrite"
    )
    assert refused.exit_code == 2
    assert "for none of these judgments" in refused.stderr
    assert read(out)[0]["provenance"]["calibration"] == fitted.digest, "the older file stays"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--pairs"),
        (("--tie-width", "1"), "--reparse"),
        (("--calibration", "c.json"), "--reparse"),
        (("--reparse", "--labels", "labels.jsonl"), "--pairs"),
        (("--reparse", "--temperature", "0"), "above 0"),
        (("--reparse", "--out", "one.jsonl", "--labels", "one.jsonl"), "one file"),
        (("--reparse", "--calibration", "none.json"), "none.json"),
        (("--reparse", "--calibration", "none.json", "--tie-width", "1"), "alone"),
        (("--reparse", "--out", __file__), "--overwrite"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read(arguments, said):
    shown = selfref("rejudge", "nothing.jsonl", *arguments, *NOWHERE)
    assert (shown.exit_code, said in shown.stderr) == (2, True), shown.stderr


def test_bad_results_and_other_pairs_leave_no_file(files, tmp_path):
    results, pairs = files
    out, labels = tmp_path / "new.jsonl", tmp_path / "labels.jsonl"
    places = ("--reparse", "--out", str(out), "--pairs", str(pairs), "--labels", str(labels))
    pairs.write_text("".join(json.dumps(each) + "\n" for each in reversed(PAIRS)))
    other = selfref("rejudge", str(results), *places)
    assert (other.exit_code, "'c9', and was judged as 'c1'" in other.stderr) == (2, True)
    results.write_text(results.read_text() + "{torn\n")
    torn = selfref("rejudge", str(results), *places[:3])
    assert (torn.exit_code, "line 5 is no JSON" in torn.stderr) == (2, True)
    missing = selfref("rejudge", str(tmp_path / "none.jsonl"), "--reparse")
    assert (missing.exit_code, "no file" in missing.stderr) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.jsonl", "results.jsonl"]


@pytest.fixture
def judged(stack: Running, tmp_path: Path) -> tuple[Path, Path, str]:
    """Pairs, one in two lines and one of one text twice; their results; their job, its key a digest of the file."""
    seed = uuid.uuid4()
    asked = [
        {"prompt": f"{seed} {number}", "answer_a": "GOOD", "answer_b": "bad", "custom_id": f"c{number}"}
        for number in range(4)
    ]
    asked += [asked[0] | {"custom_id": "twin"}, asked[1] | {"custom_id": "same", "answer_b": "GOOD"}]
    pairs, results = tmp_path / "pairs.jsonl", tmp_path / "results.jsonl"
    pairs.write_text("".join(json.dumps(each) + "\n" for each in asked))
    with Client(stack.service_url) as client:
        key = hashlib.sha256(pairs.read_bytes()).hexdigest()
        job = client.jobs.submit(pairs, idempotency_key=key, preset="direct", principle="be brief")
        *_, last = client.jobs.follow(job.id)
        assert last.counts.decided == 4
    assert selfref("jobs", "results", job.id, "--out", str(results), "--url", stack.service_url).exit_code == 0
    return results, pairs, job.id


def jobs(stack: Running) -> set[str]:
    with Client(stack.service_url) as client:
        return {each.id for each in client.jobs.page(limit=100).jobs}


def test_the_same_judge_judges_again_once_however_often_the_command_is_started(stack, judged, tmp_path):
    results, pairs, job_id = judged
    before, out = jobs(stack), tmp_path / "again.jsonl"
    asked = ("rejudge", str(results), "--pairs", str(pairs), "--json", "--url", stack.service_url)
    shown = selfref(*asked, "--out", str(out))
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert (told["same_judge"], told["identical"], told["not_judged_again"]) == (True, 1, {})
    assert told["all"]["pairs"] == 4
    assert told["all"]["verdicts_differ"]["count"] == 0
    assert told["all"]["log_odds"] == {"pairs": 4, "mean_difference": 0.0, "largest_difference": 0.0}
    assert list(told["presets"]) == ["direct"]
    first, again = read(results), read(out)
    assert not {each["id"] for each in first} & {each["id"] for each in again}, "these would be the old judgments"
    assert {(each["line"], each["custom_id"], each["principle"]) for each in again} == {
        (each["line"], each["custom_id"], "be brief") for each in first if each["duplicate_of"] is None
    }
    assert jobs(stack) - before == {told["job"]} != {job_id}
    assert json.loads(selfref(*asked).stdout) == told
    assert jobs(stack) - before == {told["job"]}, "the same question is paid once"
    anew = json.loads(selfref(*asked, "--repeat", "2").stdout)
    assert jobs(stack) - before == {told["job"], anew["job"]}
    assert selfref("rejudge", job_id, *asked[2:]).exit_code == 0, "a job may be named instead of its results"
    assert jobs(stack) - before == {told["job"], anew["job"]}


def test_another_judge_is_said_to_be_one_and_ends_with_1(stack, judged, tmp_path):
    results, pairs, _ = judged
    older = tmp_path / "older.jsonl"
    older.write_text(results.read_text().replace("stub/honest-judge", "stub/older-judge"))
    shown = selfref("rejudge", str(older), "--pairs", str(pairs), "--url", stack.service_url)
    assert shown.exit_code == 1
    assert "this is no noise floor" in shown.stdout
    assert "model: stub/older-judge, now stub/honest-judge" in shown.stdout
    assert "Noise floor" not in shown.stdout


def test_pairs_that_cannot_be_judged_again_are_told_and_end_with_3(stack, judged):
    results, pairs, _ = judged
    long = [json.loads(line) for line in pairs.read_text().splitlines()]
    long[2]["prompt"] = "word " * 9000
    pairs.write_text("".join(json.dumps(each) + "\n" for each in long))
    shown = selfref("rejudge", str(results), "--pairs", str(pairs), "--url", stack.service_url)
    assert shown.exit_code == 3
    assert "not judged again: 1 too_long" in shown.stdout
    assert "Noise floor: 3 pairs" in shown.stdout


def test_a_service_that_is_away_ends_with_5(judged):
    assert selfref("rejudge", str(judged[0]), "--pairs", str(judged[1]), *NOWHERE).exit_code == 5
