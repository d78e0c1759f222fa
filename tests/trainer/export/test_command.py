"""`python -m trainer export openrlhf` as a person meets it."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from trainer.export.command import export

SMALL = ("--longest", "64", "--answer-tokens", "32", "--reward-batch", "8", "--batch", "8", "--gpus", "2")
app = typer.Typer()
app.add_typer(export, name="export")


def run(*arguments: str | Path) -> Result:
    found = CliRunner().invoke(app, ["export", "openrlhf", *map(str, arguments)])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def test_one_line_on_what_was_exported(data: Path, policy: Path, tmp_path: Path) -> None:
    told = ("--data", data, "--base", policy, "--out", tmp_path / "out", *SMALL)
    shown = run(*told)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"{tmp_path / 'out'}: ")
    assert "pairs to train on" in shown.stdout
    assert "left out of prompts: 1 repeated" in shown.stdout
    again = run(*told)
    assert (again.exit_code, again.stdout) == (0, f"{shown.stdout.rstrip()} (was there already)\n")
    other = run(*told, "--no-margin")
    assert (other.exit_code, other.stdout) == (2, "")
    assert other.stderr.startswith("error: ")


def test_what_stops_it_is_said_in_one_line(data: Path, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, told in (
        (("--data", tmp_path, "--base", policy), "holds no snapshots"),
        (("--data", data, "--base", tmp_path / "absent"), "is no folder"),
        (("--data", data, "--base", policy, "--gpus", "3"), "3 GPUs cannot share"),
        (("--data", data, "--base", policy, "--out", tmp_path / "file" / "out"), "could not be written"),
    ):
        shown = run("--out", tmp_path / "out", *SMALL, *arguments)
        assert (shown.exit_code, shown.stdout) == (2, "")
        assert told in shown.stderr
        assert "Traceback" not in shown.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("arguments", [("export", "--help"), ("export", "openrlhf", "--help")])
def test_help(arguments: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, list(arguments))
    assert shown.exit_code == 0
    assert "openrlhf" in shown.output


def test_help_pays_for_nothing_that_only_running_needs() -> None:
    heavy = "{'pydantic', 'pyarrow', 'torch', 'transformers', 'jinja2', 'orjson', 'rich.console'}"
    program = f"import sys, trainer.export.command; sys.exit(', '.join({heavy} & sys.modules.keys()) or 0)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr == ""
