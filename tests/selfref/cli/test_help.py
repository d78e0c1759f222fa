"""What a newcomer sees, and how soon."""

import subprocess
import sys

import pytest

from tests.selfref.cli.running import selfref

COMMANDS = [
    "up",
    "judge",
    "jobs",
    "jobs submit",
    "jobs list",
    "jobs status",
    "jobs follow",
    "jobs results",
    "jobs errors",
    "jobs cancel",
    "jobs retry",
    "jobs delete",
    "demo",
    "doctor",
    "bench",
    "calibrate",
    "keys",
    "keys new",
    "deadletters",
    "deadletters list",
    "deadletters replay",
    "labels",
    "labels export",
    "labels trim",
]


def test_help_names_every_command_and_where_to_start() -> None:
    shown = selfref("--help")
    assert shown.exit_code == 0
    assert all(f" {command.split()[0]} " in shown.stdout for command in COMMANDS)
    assert "Start here" in shown.stdout


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "bench"])
def test_every_command_explains_itself(command: str) -> None:
    shown = selfref(*command.split(), "--help")
    assert shown.exit_code == 0
    assert f"Usage: selfref {command}" in shown.stdout


@pytest.mark.parametrize(
    "command", ["judge", "up", "doctor", "calibrate", "labels export", "jobs submit", "jobs results", "jobs delete"]
)
def test_exit_codes_are_documented(command: str) -> None:
    assert "Exit codes" in selfref(*command.split(), "--help").stdout


def test_help_pays_for_nothing_that_only_running_needs() -> None:
    heavy = "{'httpx2', 'pydantic', 'redis', 'fastapi', 'torch', 'uvicorn', 'rich.console', 'pyarrow'}"
    program = f"import sys, selfref.cli; sys.exit(', '.join({heavy} & sys.modules.keys()) or 0)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr == ""
