"""`selfref labels export`: a file that is whole or not there, and a cursor that neither misses nor repeats a label."""

import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from selfref import Client
from selfref.cli.labels_export import FormatName
from selfref.durable import whole_file
from selfref.exports import Format
from selfref.messages import Label, Verdict
from selfref.stack.datadir import Running
from tests.selfref.cli.fake_feed import feed, gone
from tests.selfref.cli.running import selfref
from tests.selfref.exports.labels import label
from tests.stacks import UP, until

PAGES = (
    [label("l0"), label("l1", verdict=Verdict.TIE), label("l2", verdict=Verdict.B)],
    [label("l3", verdict=Verdict.INCONSISTENT), label("l4", job_id="job-1"), label("l5", verdict=Verdict.TIE)],
)
EVERY = [f"l{number}" for number in range(6)]


def ids(lines: str) -> list[str]:
    return [orjson.loads(line)["id"] for line in lines.splitlines()]


@pytest.mark.parametrize(
    ("format_", "written", "said"),
    [
        ("jsonl", EVERY, "6 labels written"),
        ("trl", ["l0", "l2", "l4"], "3 labels written; left out: 1 inconsistent, 2 tie"),
        ("openrlhf", ["l0", "l2", "l4"], "3 labels written; left out: 1 inconsistent, 2 tie"),
    ],
)
def test_lines_go_to_standard_output_and_their_number_and_the_cursor_to_standard_error(
    format_: str, written: list[str], said: str
) -> None:
    with feed(*PAGES) as url:
        shown = selfref("labels", "export", "--format", format_, "--url", url)
    assert shown.exit_code == 0
    assert ids(shown.stdout) == written
    assert shown.stderr == f"{said}\nThe labels that come later: --after 2\n"


def test_parquet_goes_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    with feed(*PAGES) as url:
        shown = selfref("labels", "export", "--format", "parquet", "--out", str(out), "--url", url)
    assert shown.stderr.startswith(f"6 labels written to {out}\n")
    assert pq.read_table(out)["id"].to_pylist() == EVERY


def test_an_export_goes_on_where_another_ended() -> None:
    with feed(*PAGES) as url:
        shown = selfref("labels", "export", "--format", "jsonl", "--after", "1", "--url", url)
    assert ids(shown.stdout) == EVERY[3:]


@pytest.mark.parametrize("selection", [("--job", "job-1"), ("--principle", "best for cats")])
def test_labels_of_one_job_or_one_principle(selection: tuple[str, str]) -> None:
    mine = label("mine", job_id="job-1", principle="best for cats")
    with feed([label("other"), mine, label("another", verdict=Verdict.TIE)]) as url:
        shown = selfref("labels", "export", "--format", "trl", *selection, "--url", url)
    assert ids(shown.stdout) == ["mine"]
    assert "1 label written; left out: 2 of other jobs or principles\n" in shown.stderr


def test_labels_of_several_principles_are_pointed_out() -> None:
    cats = [label("c", principle="best for cats"), label("d", principle="best for dogs")]
    with feed(cats) as url:
        assert "--principle picks one" in selfref("labels", "export", "--format", "trl", "--url", url).stderr
    with feed(*PAGES) as url:
        assert "--principle" not in selfref("labels", "export", "--format", "trl", "--url", url).stderr


def test_what_a_real_service_judged_is_exported(stack: Running) -> None:
    principle = f"best for {uuid.uuid4()}"
    with Client(stack.service_url) as client:
        judgment = client.judge("Which is it?", "bad", "GOOD", principle=principle)
    shown = selfref("labels", "export", "--format", "jsonl", "--principle", principle, "--url", stack.service_url)
    exported = Label.model_validate_json(shown.stdout)
    assert (exported.id, exported.chosen) == (judgment.id, "GOOD")


@pytest.mark.parametrize("older", [None, b"an older export"])
def test_a_feed_that_breaks_off_leaves_the_file_as_it_was(tmp_path: Path, older: bytes | None) -> None:
    out = tmp_path / "labels.jsonl"
    if older:
        out.write_bytes(older)
    with feed(*PAGES, at_page=1) as url:
        shown = selfref("labels", "export", "--format", "jsonl", "--out", str(out), "--overwrite", "--url", url)
    assert shown.exit_code == 2
    assert "cursor_expired" in shown.stderr
    assert f"Nothing was written to {out}" in shown.stderr
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([older] if older else [])


def test_what_reached_standard_output_before_a_feed_broke_off_is_said() -> None:
    with feed(*PAGES, at_page=1) as url:
        shown = selfref("labels", "export", "--format", "jsonl", "--url", url)
    assert ids(shown.stdout) == EVERY[:3]
    assert "3 labels written so far; go on with --after 1." in shown.stderr


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    reached, ended = threading.Event(), threading.Event()

    def hang() -> tuple[int, bytes]:
        reached.set()
        ended.wait()
        return gone()

    with feed(*PAGES, at_page=1, instead=hang) as url:
        arguments = ("labels", "export", "--format", "jsonl", "--out", str(tmp_path / "labels.jsonl"), "--url", url)
        process = subprocess.Popen([sys.executable, "-c", UP, *arguments])
        until(reached.is_set, what="the export asks for its second page")
        assert len(list(tmp_path.glob(".labels.jsonl.*.partial"))) == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        ended.set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "parquet"), "--out"),
        (("--format", "trl", "--out", "nowhere/labels.jsonl"), "there is no folder nowhere"),
        (("--format", "trl", "--out", __file__), "--overwrite"),
        (("--format", "trl", "--url", "localhost:1"), "http://HOST:PORT"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_read(arguments: tuple[str, ...], said: str) -> None:
    shown = selfref("labels", "export", "--url", "http://127.0.0.1:9", *arguments)
    assert shown.exit_code == 2
    assert said in shown.stderr


def test_a_missing_pyarrow_is_said_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "selfref.exports.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    shown = selfref("labels", "export", "--format", "parquet", "--out", str(tmp_path / "labels.parquet"))
    assert shown.exit_code == 2
    assert "pip install 'selfref[export]'" in shown.stderr


def test_nobody_there_has_its_own_exit_code(tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    shown = selfref("labels", "export", "--format", "jsonl", "--out", str(out), "--url", "http://127.0.0.1:9")
    assert shown.exit_code == 5
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_has_its_own_exit_code(tmp_path: Path) -> None:
    out = tmp_path / ("x" * 250)  # no room for the name of the file beside it
    with feed(*PAGES) as url:
        shown = selfref("labels", "export", "--format", "jsonl", "--out", str(out), "--url", url)
    assert shown.exit_code == 1
    assert "could not be written" in shown.stderr


def test_a_whole_file_is_as_readable_as_any(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with whole_file(tmp_path / "whole") as file:
        file.write(b"text")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_option_offers_every_format() -> None:
    assert list(FormatName) == list(Format)
