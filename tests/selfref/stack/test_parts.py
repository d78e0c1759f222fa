"""What each part is told."""

from pathlib import Path

import pytest

from selfref.stack import parts
from selfref.stack.errors import StackError
from selfref.stack.noise import NOISE_MODEL
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


def test_only_the_random_model_is_called_noise_and_kept_brief(tmp_path: Path) -> None:
    noise = StackSettings(data_dir=tmp_path)
    real = StackSettings(data_dir=tmp_path, model=tmp_path / "llama")
    remote = StackSettings(data_dir=tmp_path, engine_url="http://gpu:8080")
    assert [settings.noise for settings in (noise, real, remote)] == [True, False, False]
    assert parts.engine(noise).environment["SELFREF_ENGINE_MODEL_ID"] == NOISE_MODEL
    assert "SELFREF_ENGINE_MODEL_ID" not in parts.engine(real).environment
    told = [parts.worker(settings, number=1, redis_url="r", engine_url="e").environment for settings in (noise, real)]
    assert ["SELFREF_WORKER_CRITIQUE_TOKENS" in environment for environment in told] == [True, False]


def test_a_given_engine_keeps_the_dialect_that_the_environment_names(tmp_path: Path) -> None:
    remote = StackSettings(data_dir=tmp_path, engine_url="http://gpu:8000")
    told = parts.worker(remote, number=1, redis_url="r", engine_url="http://gpu:8000")
    assert "SELFREF_WORKER_ENGINE" not in told.environment


def test_a_folder_one_stands_in_cannot_replace_a_part(tmp_path: Path) -> None:
    assert "-P" in parts.engine(StackSettings(data_dir=tmp_path)).arguments
