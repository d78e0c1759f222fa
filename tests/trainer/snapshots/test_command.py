"""`python -m trainer snapshot` as a person meets it."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from selfref.messages import Verdict
from selfref.store import Store
from tests.service.gateways import GatewayProcess
from tests.trainer.snapshots.feeds import judge
from trainer.__main__ import app
from trainer.command import explained
from trainer.errors import TrainingError
from trainer.snapshots.chain import snapshots


def snapshot(*arguments: str | Path) -> Result:
    """What `python -m trainer snapshot ARGUMENTS` printed; an exception that is none of its own is a failed test."""
    found = CliRunner().invoke(app, ["snapshot", *map(str, arguments)])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


async def test_one_line_for_each_snapshot_and_then_nothing_new(
    store: Store, gateway: GatewayProcess, redis_url: str, tmp_path: Path
) -> None:
    await judge(store, range(25))
    told = ("--url", gateway.url, "--data", tmp_path, "--size", "10", "--heldout-share", "0.3")
    shown = snapshot(*told)
    assert (shown.exit_code, shown.stderr) == (0, "")
    chain = snapshots(tmp_path)
    assert shown.stdout.splitlines() == [
        f"{each.folder.name}: {each.manifest.train.rows} to train on, {each.manifest.heldout.rows} held out; dropped: "
        "2 tie, 2 inconsistent"
        for each in chain
    ]
    assert [each.manifest.train.rows + each.manifest.heldout.rows for each in chain] == [6, 6]
    again = snapshot(*told)
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr == "nothing new: the feed does not fill another snapshot\n"
    rest = snapshot(*told, "--rest", "--count", "1")
    assert rest.stdout.startswith("00003: ")


async def test_kept_ties_and_nothing_dropped(
    store: Store, gateway: GatewayProcess, redis_url: str, tmp_path: Path
) -> None:
    await judge(store, range(2), verdict=Verdict.TIE)
    shown = snapshot("--url", gateway.url, "--data", tmp_path, "--size", "2", "--keep-ties", "--heldout-share", "0")
    assert shown.stdout == "00001: 2 to train on, 0 held out\n"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense"])
def test_a_service_that_is_not_there(tmp_path: Path, url: str) -> None:
    shown = snapshot("--url", url, "--data", tmp_path, "--size", "2")
    assert shown.exit_code == 2
    assert shown.stderr.startswith("error: ")
    assert "http://" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_an_empty_feed(gateway: GatewayProcess, redis_url: str, tmp_path: Path) -> None:
    shown = snapshot("--url", gateway.url, "--data", tmp_path, "--size", "2")
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr.startswith("error: the feed has 0 labels so far, and a snapshot takes 2.")


def test_a_folder_that_cannot_be_written(gateway: GatewayProcess, redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "snapshots").write_text("in the way")
    shown = snapshot("--url", gateway.url, "--data", tmp_path, "--size", "2")
    assert shown.exit_code == 2
    assert shown.stderr.startswith(f"error: {tmp_path} could not be read or written: ")


def test_an_error_on_purpose_is_explained_and_any_other_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    @explained()
    def fails(error: Exception) -> None:
        raise error

    with pytest.raises(Exception, match="2") as caught:
        fails(TrainingError("do this [not that]"))
    assert getattr(caught.value, "exit_code", None) == 2
    assert capsys.readouterr().err == "error: do this [not that]\n"
    with pytest.raises(KeyError):
        fails(KeyError("a bug"))


def test_help_pays_for_nothing_that_only_running_needs() -> None:
    heavy = "{'httpx2', 'pydantic', 'pyarrow', 'torch', 'transformers', 'rich.console'}"
    program = f"import sys, trainer.__main__; sys.exit(', '.join({heavy} & sys.modules.keys()) or 0)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr == ""
