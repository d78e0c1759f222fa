"""`selfref demo`: on a running service, and from nothing."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfref.cli.demo_view import print_demo
from selfref.cli.terminal import out
from selfref.demo.run import Outcome, built_in_pairs
from selfref.stack.datadir import Running
from tests.selfref.cli.running import selfref
from tests.selfref.client.test_conversations import JUDGED
from tests.stacks import processes

COUNTS = re.compile(
    r"(\d+) submitted = (\d+) decided \+ (\d+) tie \+ (\d+) inconsistent \+ (\d+) failed \+ (\d+) canceled"
)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for a stack of its own: the path of a socket may have about 100 characters, and pytest's are long."""
    with tempfile.TemporaryDirectory(prefix="selfref-test-") as folder:
        yield Path(folder)


def assert_adds_up(shown: str) -> None:
    """The counts sum to the pairs, every judgment has its label, and swapping swapped."""
    found = COUNTS.search(shown)
    assert found, shown
    submitted, *ended = map(int, found.groups())
    assert submitted == sum(ended)
    assert f"{sum(ended[:3])} labels read from the feed for {sum(ended[:3])} judgments" in shown
    assert "Swapping the answers swaps the verdict: capital" in shown


def test_the_demo_on_a_running_service_adds_up(stack: Running) -> None:
    shown = selfref("demo", "--url", stack.service_url, COLUMNS="120")
    assert shown.exit_code == 0, shown.output
    assert_adds_up(shown.stdout)
    assert "capital-swapped" in shown.stdout
    assert "NOISE" not in shown.stdout, "this judge is not the random one"


def test_a_narrow_terminal_shortens_prompts_and_not_judgments(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = built_in_pairs()
    outcomes = [Outcome(pair.custom_id or "", JUDGED) for pair in pairs]
    print_demo(pairs, outcomes, [])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith(("python", "capital"))]
    assert len(rows) == 3
    assert all(line.split()[-2:] == ["–", "0"] and "0.80" in line and len(line) <= out.width for line in rows)
    assert "…" in rows[-1]


def test_nobody_there_says_so() -> None:
    assert selfref("demo", "--url", "http://127.0.0.1:9").exit_code == 5


def test_the_demo_from_nothing_judges_says_that_its_judge_is_noise_and_leaves_nothing(short_folder: Path) -> None:
    """The real engine with the random model; the longest test here."""
    with subprocess.Popen(
        [sys.executable, "-m", "selfref.cli", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120", "TMPDIR": str(short_folder)},
    ) as demo:
        out, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, err
    assert_adds_up(out)
    assert "verdicts are NOISE" in out
    assert list(short_folder.glob("selfref-*")) == []
    assert not [command for _, command in processes().values() if str(short_folder) in command]
