"""The README's first screen, followed to the letter: what it prints there is what a user gets."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selfref.stack.datadir import Running

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
WRITTEN_URL = "http://127.0.0.1:8080"


def _block(language: str, containing: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return found


def _names(value: Any) -> Any:
    """The names of all fields, at every depth; what they hold may differ from machine to machine."""
    if isinstance(value, dict):
        return {name: _names(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_names(each) for each in value if isinstance(each, dict)]
    return None


def test_the_first_curl_answers_as_printed(stack: Running) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    command = _block("sh", "curl").replace(WRITTEN_URL, stack.service_url)
    said = json.loads(subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60).stdout)  # noqa: S602
    printed = json.loads(re.sub(r"\s+//[^\n]*", "", _block("jsonc", '"status": "judged"')))
    assert printed["provenance"].pop("…") == "…"
    said["provenance"] = {name: said["provenance"][name] for name in printed["provenance"]}
    assert _names(said) == _names(printed)
    assert (said["status"], said["verdict"]) == (printed["status"], printed["verdict"])
    assert said["reference"]["text"] == printed["reference"]["text"]
    assert said["provenance"]["model"] == printed["provenance"]["model"]


def test_the_python_example_runs(stack: Running) -> None:
    example = _block("python", "from selfref import Client").replace(WRITTEN_URL, stack.service_url)
    ran = subprocess.run([sys.executable, "-c", example], check=True, capture_output=True, text=True, timeout=60)
    verdict, strength = ran.stdout.splitlines()[0].split()
    assert verdict in ("A", "B", "tie", "inconsistent")
    assert 0 <= float(strength) <= 1
