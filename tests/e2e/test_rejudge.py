"""The real judge's judgments come out of what is stored of them, and come again when he is asked again."""

import json
from pathlib import Path

import pytest

from selfref.client import Client
from selfref.demo.pairs import gold_pairs
from selfref.stack.datadir import Running
from tests.selfref.cli.running import selfref

JUDGED_TWICE = 6  # pairs of each kind


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Pairs for greedy critiques, for sampled ones and for the paper's rounds, in one file."""
    path = tmp_path / "pairs.jsonl"
    kinds: list[dict[str, object]] = [{}, {"votes": 2}, {"preset": "paper"}]
    lines = [
        pair.request.model_dump(mode="json", exclude_unset=True) | kind | {"custom_id": f"{place}-{pair.name}"}
        for place, kind in enumerate(kinds)
        for pair in gold_pairs(JUDGED_TWICE, seed=3)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.timeout(600)
def test_judgments_are_derived_again_exactly_and_made_again_nearly(stack: Running, asked: Path, tmp_path: Path) -> None:
    url = ("--url", stack.service_url)
    with Client(stack.service_url) as client:
        job = client.jobs.submit(asked)
        *_, last = client.jobs.follow(job.id)
        first = {each.id for each in client.jobs.results(job.id)}
    assert last.counts.failed == 0
    verified = json.loads(selfref("rejudge", job.id, "--reparse", "--json", *url).stdout)
    assert verified["judgments"] == 3 * JUDGED_TWICE
    assert verified["differing"]["count"] == verified["log_odds"]["off"]["count"] == 0
    assert verified["log_odds"]["held_against_perplexities"] == JUDGED_TWICE * (2 + 4 + 4)
    out = tmp_path / "again.jsonl"
    again = selfref("rejudge", job.id, "--pairs", str(asked), "--out", str(out), "--json", *url)
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)
    assert told["same_judge"], told["differs_in"]
    assert {name: each["pairs"] for name, each in told["presets"].items()} == {
        "self-reference": 2 * JUDGED_TWICE,
        "paper": JUDGED_TWICE,
    }
    assert told["all"]["verdicts_differ"]["share"] <= 0.25, "a judge that is greedy or seeded repeats himself"
    assert selfref("rejudge", str(out), "--reparse").exit_code == 0
    assert not first & {json.loads(line)["id"] for line in out.read_text().splitlines()}
