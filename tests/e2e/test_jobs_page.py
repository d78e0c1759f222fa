"""The first screen of docs/jobs.md, followed to the letter."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from selfref.stack.datadir import Running

PAGE = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text(encoding="utf-8")
WRITTEN_URL = "http://127.0.0.1:8080"


def block(language: str, containing: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return found


@pytest.fixture
def ran(stack: Running, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The first commands, in a folder of their own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SELFREF_URL": stack.service_url}
    return subprocess.run(  # noqa: S602 - as a reader would
        block("sh", "selfref jobs submit"),
        shell=True,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )


def test_the_first_commands_judge_the_file(ran: subprocess.CompletedProcess[str]) -> None:
    job_id = ran.stdout.strip()
    assert re.fullmatch(r"job-[0-9a-f]{24}", job_id)
    assert "completed: 2/2 pairs" in ran.stderr
    assert "3: 2 pairs, 1 refused" in ran.stderr
    assert f"selfref jobs errors {job_id}" in ran.stderr


def test_the_python_example_tells_every_line(
    stack: Running, tmp_path: Path, ran: subprocess.CompletedProcess[str]
) -> None:
    assert ran.returncode == 0
    example = block("python", "from selfref import Client").replace(WRITTEN_URL, stack.service_url)
    told = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=100
    ).stdout
    assert "\n3 oops invalid_request\n" in told
    assert re.search(r"^1 sum \w+$", told, re.MULTILINE)
    assert re.search(r"^2 next \w+$", told, re.MULTILINE)
