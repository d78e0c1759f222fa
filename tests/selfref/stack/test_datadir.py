"""One stack a folder, and where it can be reached."""

import stat
from pathlib import Path

import pytest

from selfref.stack.datadir import Running, claimed, default_data_dir
from selfref.stack.errors import DataDirInUse

RUNNING = Running(
    pid=1, service_url="http://s", redis_url="redis://r", engine_urls=("http://e",), model=None, bundled=False
)


def test_a_claimed_folder_is_refused_to_a_second_stack_and_says_what_to_do(tmp_path: Path) -> None:
    with claimed(tmp_path):
        with pytest.raises(DataDirInUse, match=r"process \d+") as refused, claimed(tmp_path):
            pass
        assert "--data-dir" in refused.value.advice
    with claimed(tmp_path):
        pass


def test_a_refused_claim_leaves_the_other_stacks_lock_and_address_alone(tmp_path: Path) -> None:
    with claimed(tmp_path):
        RUNNING.write(tmp_path)
        owner = (tmp_path / "lock").read_text()
        with pytest.raises(DataDirInUse), claimed(tmp_path):
            pass
        assert (tmp_path / "lock").read_text() == owner
        assert Running.find(tmp_path) == RUNNING


def test_a_running_stack_is_found_only_while_it_runs(tmp_path: Path) -> None:
    assert Running.find(tmp_path) is None
    with claimed(tmp_path):
        assert Running.find(tmp_path) is None
        RUNNING.write(tmp_path)
        assert Running.find(tmp_path) == RUNNING
    assert Running.find(tmp_path) is None


def test_an_address_that_a_killed_stack_left_behind_is_not_believed(tmp_path: Path) -> None:
    with claimed(tmp_path):
        pass
    RUNNING.write(tmp_path)
    assert Running.find(tmp_path) is None


def test_only_the_owner_can_look_inside(tmp_path: Path) -> None:
    with claimed(tmp_path / "data") as folder:
        assert stat.S_IMODE((folder / "redis").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"XDG_DATA_HOME": "/data"}, Path("/data/selfref")), ({}, Path.home() / ".local/share/selfref")],
)
def test_the_users_own_folder(environment: dict[str, str], expected: Path) -> None:
    assert default_data_dir(environment) == expected
