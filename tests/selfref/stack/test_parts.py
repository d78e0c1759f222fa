"""What each part is told."""

import hashlib
from pathlib import Path

import pytest

from littleworld import JUDGE
from selfref.stack import parts
from selfref.stack.bundled import BUNDLED_MODEL, WEIGHTS, revision_of
from selfref.stack.errors import StackError
from selfref.stack.parts import StackSettings


def test_redis_keeps_every_write_evicts_nothing_and_listens_on_no_port(tmp_path: Path) -> None:
    command, url = parts.redis(StackSettings(data_dir=tmp_path))
    told = dict(zip(command.arguments[1::2], command.arguments[2::2], strict=True))
    assert (told["--appendonly"], told["--maxmemory-policy"], told["--port"]) == ("yes", "noeviction", "0")
    assert url == f"unix://{tmp_path}/redis/redis.sock?db=0"


def test_a_folder_too_deep_for_a_socket_is_said_before_redis_fails(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="too long") as error:
        parts.redis(StackSettings(data_dir=tmp_path / ("deep" * 30)))
    assert "--data-dir" in error.value.advice


def test_only_the_bundled_judge_is_named_by_its_weights_and_kept_brief(tmp_path: Path) -> None:
    bundled = StackSettings(data_dir=tmp_path)
    own = StackSettings(data_dir=tmp_path, model=tmp_path / "llama")
    remote = StackSettings(data_dir=tmp_path, engine_url="http://gpu:8080")
    assert [settings.bundled for settings in (bundled, own, remote)] == [True, False, False]
    assert str(JUDGE) in parts.engine(bundled, number=1).arguments
    named = parts.engine(bundled, number=1).environment
    assert (named["SELFREF_ENGINE_MODEL_ID"], named["SELFREF_ENGINE_REVISION"]) == (BUNDLED_MODEL, revision_of(JUDGE))
    assert parts.engine(own, number=1).environment == {}
    told = [parts.worker(settings, number=1, redis_url="r", engine_url="e").environment for settings in (bundled, own)]
    assert ["SELFREF_WORKER_CRITIQUE_TOKENS" in environment for environment in told] == [True, False]


def test_other_weights_are_another_revision(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"one")
    one = revision_of(tmp_path)
    assert one == hashlib.sha256(b"one").hexdigest()[: len(one)]
    (tmp_path / WEIGHTS).write_bytes(b"another")
    assert revision_of(tmp_path) != one


def test_workers_are_told_of_a_calibration_where_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.calibration.json"
    told = [
        parts.worker(settings, number=1, redis_url="r", engine_url="e").environment
        for settings in (StackSettings(data_dir=tmp_path, calibration=file), StackSettings(data_dir=tmp_path))
    ]
    assert [environment.get("SELFREF_WORKER_CALIBRATION") for environment in told] == [str(file), None]


def test_a_given_engine_keeps_the_dialect_that_the_environment_names(tmp_path: Path) -> None:
    remote = StackSettings(data_dir=tmp_path, engine_url="http://gpu:8000")
    told = parts.worker(remote, number=1, redis_url="r", engine_url="http://gpu:8000")
    assert "SELFREF_WORKER_ENGINE" not in told.environment


def test_a_folder_one_stands_in_cannot_replace_a_part(tmp_path: Path) -> None:
    assert "-P" in parts.engine(StackSettings(data_dir=tmp_path), number=1).arguments
