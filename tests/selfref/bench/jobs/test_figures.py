"""What the figures mean: sums, ratios and medians on costs that are made up, and files of the size that is said."""

import gzip
import json

import pytest

from selfref.bench.cpu import cpu_seconds, fine_cpu_seconds, peak_bytes
from selfref.bench.jobs.lines import LINE, compressed, write_lines
from selfref.bench.jobs.made import judged, works
from selfref.bench.jobs.plan import Case, Figures, Part, Plan
from selfref.bench.jobs.queue_cost import STEPS, Costs, figures
from selfref.bench.jobs.report import MEASUREMENTS, report, summary, table
from selfref.messages import Lane, Verdict
from tests.selfref.bench.busy_process import busy_process

PLAN = Plan(sizes=(10, 20), ended=5, pairs=10, lease=1, big=200, small=5, concurrency=4, latency=0)


def test_the_goal_is_held_against_enqueue_and_finish_alone():
    costs = Costs(redis_pid=0)
    for step, seconds in (("enqueue", 0.002), ("finish", 0.018), ("claim", 1.0), ("archive", 1.0)):
        costs.redis[step] = seconds
    for step, seconds in (("accept", 0.01), ("finish_judge", 0.03), ("claim_judge", 1.0)):
        costs.redis[step] = seconds
    found = figures(costs, pairs=1000)
    assert found["redis_enqueue_finish"] == pytest.approx(20)  # µs a pair
    assert found["redis_accept_finish"] == pytest.approx(40)
    assert found["share_of_judge"] == pytest.approx(0.5)
    assert found["redis_whole"] == pytest.approx(2020)


def test_every_step_is_a_row_of_the_table():
    rows = {key for key, _, _ in MEASUREMENTS[Part.QUEUE].figures}
    assert {f"redis_{step}" for step in STEPS} <= rows


def test_lines_are_a_kilobyte_each_and_no_two_are_equal(tmp_path):
    file = tmp_path / "lines.jsonl"
    write_lines(file, 300, seed=1)
    lines = file.read_bytes().splitlines(keepends=True)
    assert {len(line) for line in lines} == {LINE}
    pairs = [json.loads(line) for line in lines]
    assert len({pair["prompt"] for pair in pairs}) == len({pair["answer_a"] for pair in pairs}) == 300
    assert all("GOOD" in pair["answer_a"] and "GOOD" not in pair["answer_b"] for pair in pairs)
    assert gzip.decompress(compressed(file).read_bytes()) == file.read_bytes()


def test_lines_compress_as_real_ones_do(tmp_path):  # Arena-Hard's 500 to 27 %, LLMBar's to 26 %
    file = tmp_path / "lines.jsonl"
    write_lines(file, 2000)
    assert 0.2 < compressed(file).stat().st_size / file.stat().st_size < 0.35


def test_made_judgments_have_the_size_of_real_ones_and_texts_of_their_own(tmp_path):
    file = tmp_path / "lines.jsonl"
    write_lines(file, 2)
    pairs = works(file, job_id="job-1", lane=Lane.BATCH)
    outcomes = [judged(pair) for pair in pairs]
    assert [pair.id for pair in pairs] == ["job-1.0", "job-1.1"]
    for judgment, label in outcomes:
        assert 2500 < len(judgment.model_dump_json()) < 4000
        assert (judgment.verdict, label.chosen) == (Verdict.A, label.answer_a)
    first, second = (judgment.orders[0].critique for judgment, _ in outcomes)
    assert first != second


def test_cpu_and_memory_of_another_process_are_what_it_used():
    with busy_process(seconds=0.3, megabytes=50) as pid:
        assert fine_cpu_seconds(pid) == pytest.approx(cpu_seconds(pid), abs=0.03)
        assert 50e6 < peak_bytes(pid) < 150e6


async def nothing() -> Figures:
    return {}


@pytest.mark.parametrize("part", list(Part))
def test_the_report_gives_medians_and_keeps_every_run(part):
    key = MEASUREMENTS[part].figures[0][0]
    cases = [Case("this\nway", nothing), Case("that way", nothing)]
    runs: list[list[Figures]] = [[{key: speed} for speed in (10.0, 30.0, 20.0)], [{key: None}] * 3]
    found = summary(part, cases, runs)
    this, that = found["cases"]
    assert (this["case"], this["median"][key], that["median"][key]) == ("this, way", 20.0, None)
    assert len(this["runs"]) == 3
    assert table(part, found).row_count == len(MEASUREMENTS[part].figures)
    whole = report({part: found}, plan=PLAN, runs=3)
    assert {"benchmark", "version", "machine", "settings", "parts"} == whole.keys()
    assert whole["settings"]["sizes"] == (10, 20)


def test_sizes_and_ways_make_the_cases():
    headings = {part: [case.heading for case in MEASUREMENTS[part].cases(PLAN)] for part in Part}
    assert headings[Part.UPLOAD] == ["10 lines\nplain", "10 lines\ngzip", "20 lines\nplain", "20 lines\ngzip"]
    assert len(headings[Part.MEMORY]) == 4
    assert headings[Part.RECOVERY] == ["a worker", "the active keeper", "Redis"]
