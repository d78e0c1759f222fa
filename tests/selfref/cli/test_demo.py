"""`selfref demo`: on a running service, and from nothing."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from littleworld.world.families import FAMILIES
from selfref.cli.demo_view import print_demo
from selfref.cli.terminal import out
from selfref.demo.outcome import Outcome
from selfref.demo.pairs import gold_pairs
from selfref.messages import Verdict
from selfref.stack.datadir import Running
from tests.selfref.cli.running import selfref
from tests.selfref.client.test_conversations import JUDGED
from tests.stacks import processes

COUNTS = re.compile(
    r"(\d+) submitted = (\d+) decided \+ (\d+) tie \+ (\d+) inconsistent \+ (\d+) failed \+ (\d+) canceled"
)
SCORED = re.compile(r"^ (all|be \w+|best for humanity) +(\d+) +(\d+) +(\d+\.\d)% +(\d+\.\d)% *$", re.MULTILINE)
TWINS = 3


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for a stack of its own: the path of a socket may have about 100 characters, and pytest's are long."""
    with tempfile.TemporaryDirectory(prefix="selfref-test-") as folder:
        yield Path(folder)


def assert_adds_up(shown: str, *, pairs: int) -> None:
    """The counts sum to the pairs, the scores to their total, every judgment has its label, and swapping swapped."""
    found = COUNTS.search(shown)
    assert found, shown
    submitted, *ended = map(int, found.groups())
    assert submitted == sum(ended) == pairs + TWINS
    assert f"{sum(ended[:3])} labels read from the feed for {sum(ended[:3])} judgments" in shown
    assert shown.count("Swapping the answers swaps the verdict: ") == TWINS
    *principles, total = [(int(row[2]), int(row[3])) for row in SCORED.finditer(shown)]
    assert total == tuple(map(sum, zip(*principles, strict=True)))
    assert total[0] == pairs
    assert re.search(rf"^{sum(ended[:3])} judgments in \d+\.\d s: \d+\.\d a second$", shown, re.MULTILINE)


def test_the_demo_on_a_running_service_adds_up(stack: Running) -> None:
    shown = selfref("demo", "--url", stack.service_url, "--pairs", "20", COLUMNS="120")
    assert shown.exit_code == 0, shown.output
    assert_adds_up(shown.stdout, pairs=20)
    assert "bundled judge" not in shown.stdout, "this is another judge"


def test_verdicts_stand_beside_gold_one_row_for_each_kind_of_question(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = gold_pairs(2 * len(FAMILIES), seed=0)
    print_demo([Outcome(pair, JUDGED) for pair in pairs], [], seconds=2.0)
    shown = capsys.readouterr().out
    rows = [line.split()[-3:] for line in shown.splitlines() if line.endswith(" 0.80 ")]
    assert rows == [[JUDGED.verdict.value, pair.gold.value, "0.80"] for pair in pairs[: len(FAMILIES)]]
    (_, total, right, accuracy, consistent) = SCORED.findall(shown)[-1]
    gold = sum(pair.gold is Verdict.A for pair in pairs)
    assert (int(total), int(right), consistent) == (len(pairs), gold, "100.0")
    assert float(accuracy) == pytest.approx(100 * gold / len(pairs), abs=0.05)


def test_a_pair_that_failed_is_shown_as_such_and_counts_as_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    print_demo([Outcome(pair, None, failure="too_long") for pair in gold_pairs(1, seed=0)], [], seconds=2.0)
    shown = capsys.readouterr().out
    assert "failed: too_long" in shown
    assert re.search(r"^ all +1 +0 +0\.0% +– *$", shown, re.MULTILINE)


def test_a_narrow_terminal_gives_texts_more_lines_and_judgments_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    print_demo([Outcome(pair, JUDGED) for pair in gold_pairs(len(FAMILIES), seed=0)], [], seconds=2.0)
    lines = capsys.readouterr().out.splitlines()
    table = lines[: next(place for place, line in enumerate(lines) if "Against gold" in line)]
    assert sum(line.endswith(" 0.80 ") for line in table) == len(FAMILIES)
    assert all(len(line) <= out.width for line in table)
    assert len(table) > 2 * len(FAMILIES)


def test_nobody_there_says_so() -> None:
    assert selfref("demo", "--url", "http://127.0.0.1:9").exit_code == 5


def test_the_demo_from_nothing_judges_with_the_bundled_judge_says_its_limits_and_leaves_nothing(
    short_folder: Path,
) -> None:
    """The real engine with the trained judge; the longest test here."""
    with subprocess.Popen(
        [sys.executable, "-m", "selfref.cli", "demo", "--pairs", "45"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120", "TMPDIR": str(short_folder)},
    ) as demo:
        shown, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, err
    assert_adds_up(shown, pairs=45)
    assert float(SCORED.findall(shown)[-1][3]) >= 80, shown
    assert " ".join(shown.split()).count("knows only its little world") == 1
    assert list(short_folder.glob("selfref-*")) == []
    assert not [command for _, command in processes().values() if str(short_folder) in command]
