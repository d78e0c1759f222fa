"""A worker's settings come from the documented variables, and a wrong one is refused by name."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from worker.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("SELFREF_"):
            monkeypatch.delenv(name)


def test_a_bare_environment_is_a_loopback_worker() -> None:
    settings = Settings()
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.engine_url == "http://127.0.0.1:8081"
    assert (settings.engine, settings.concurrency, settings.lease) == ("tgi", 64, 30.0)
    assert (settings.max_attempts, settings.max_deliveries, settings.shards) == (4, 5, 1)
    assert settings.metrics_port == 0
    assert settings.retention == 7 * 24 * 3600


def test_every_documented_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    documented = {
        "SELFREF_REDIS_URL": ("redis_url", "redis://redis:6379/1"),
        "SELFREF_SHARDS": ("shards", 4),
        "SELFREF_ENGINE_URL": ("engine_url", "http://tgi:80"),
        "SELFREF_SERVICE_RETENTION": ("retention", 60.0),
        "SELFREF_WORKER_ENGINE": ("engine", "openai"),
        "SELFREF_WORKER_MODEL": ("model", "llama"),
        "SELFREF_WORKER_CONCURRENCY": ("concurrency", 8),
        "SELFREF_WORKER_LEASE": ("lease", 2.5),
        "SELFREF_WORKER_MAX_ATTEMPTS": ("max_attempts", 2),
        "SELFREF_WORKER_MAX_DELIVERIES": ("max_deliveries", 3),
        "SELFREF_WORKER_REFERENCE_TOKENS": ("reference_tokens", 100),
        "SELFREF_WORKER_CRITIQUE_TOKENS": ("critique_tokens", 200),
        "SELFREF_WORKER_TIE_WIDTH": ("tie_width", 0.0),
        "SELFREF_WORKER_CALIBRATION": ("calibration", Path("/calibrations/mine.json")),
        "SELFREF_WORKER_ENGINE_TIMEOUT": ("engine_timeout", 12.0),
        "SELFREF_WORKER_METRICS_PORT": ("metrics_port", 9100),
        "SELFREF_WORKER_METRICS_HOST": ("metrics_host", "0.0.0.0"),
    }
    for variable, (_, value) in documented.items():
        monkeypatch.setenv(variable, str(value))
    settings = Settings()
    assert {name: getattr(settings, name) for name, _ in documented.values()} == dict(documented.values())


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFREF_WORKER_ENGINE_API_KEY", "")
    monkeypatch.setenv("SELFREF_WORKER_LEASE", "")
    assert Settings().engine_api_key is None
    assert Settings().lease == 30.0


def test_the_api_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFREF_WORKER_ENGINE_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(Settings())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SELFREF_WORKER_ENGINE", "bard"),
        ("SELFREF_WORKER_CONCURRENCY", "0"),
        ("SELFREF_WORKER_LEASE", "0"),
        ("SELFREF_WORKER_LEASE", "nan"),
        ("SELFREF_WORKER_MAX_ATTEMPTS", "0"),
        ("SELFREF_WORKER_METRICS_PORT", "70000"),
        ("SELFREF_WORKER_TIE_WIDTH", "-1"),
        ("SELFREF_SHARDS", "0"),
        ("SELFREF_ENGINE_URL", "notaurl"),
        ("SELFREF_ENGINE_URL", "localhost:8081"),
        ("SELFREF_ENGINE_URL", "ftp://tgi"),
        ("SELFREF_ENGINE_URL", "http://"),
        ("SELFREF_ENGINE_URL", "http://tgi:http"),
    ],
)
def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError):
        Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().lease = 1.0  # type: ignore[misc]
