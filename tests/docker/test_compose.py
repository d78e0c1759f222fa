"""The promises of docker-compose.yml that no linter knows: who can be reached, what survives, what is never leaked."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic_settings import BaseSettings

from engine.settings import Settings as EngineSettings
from service.keeper.settings import Settings as KeeperSettings
from service.settings import Settings as GatewaySettings
from trainer.__main__ import app as trainer
from trainer.follow.command import PREFIX as TRAINER_PREFIX
from worker.settings import Settings as WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("engine", "keeper", "service", "trainer", "worker")
OWNED = "install --directory --owner 10001 --mode 700 /data /data/spool /data/archive /data/training"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<how>[-?])(?P<what>[^}]*))?\}")


def networks(name: str) -> set[str]:
    return set(SERVICES[name]["networks"])


def test_each_profile_has_one_engine_and_the_rest_always_runs() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    assert profiles == {
        "engine": ["cpu"],
        "tgi": ["gpu"],
        "grafana": ["metrics"],
        "keeper": [],
        "prometheus": ["metrics"],
        "redis": [],
        "service": [],
        "trainer": ["train"],
        "worker": [],
    }


def test_both_engines_answer_at_the_address_that_workers_call() -> None:
    address = SERVICES["worker"]["environment"]["SELFREF_ENGINE_URL"]
    assert address == "${SELFREF_ENGINE_URL:-http://engine:8081}"
    command = SERVICES["tgi"]["command"]
    assert SERVICES["tgi"]["networks"]["stack"]["aliases"] == ["engine"]
    assert command[command.index("--port") + 1] == "8081"
    entry = re.search(r"^ENTRYPOINT .*engine.*$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    assert entry is not None
    assert '"--port", "8081"' in entry.group()
    assert "stack" in networks("worker") & networks("engine") & networks("tgi")


def test_redis_is_reached_by_the_gateway_the_keeper_and_the_workers_only() -> None:
    assert COMPOSE["networks"]["store"] == {"internal": True}
    assert networks("redis") == {"store"}
    assert {name for name in SERVICES if "store" in networks(name)} == {"redis", "keeper", "service", "worker"}
    assert "ports" not in SERVICES["redis"]


def test_redis_keeps_what_it_accepted() -> None:
    command = SERVICES["redis"]["command"]
    flags = dict(zip(command[::2], command[1::2], strict=True))
    assert flags["--appendonly"] == "yes"
    assert flags["--appendfsync"] == "everysec"
    assert flags["--maxmemory-policy"] == "noeviction"
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]
    assert "redis" in COMPOSE["volumes"]


def test_ports_are_published_on_loopback_by_default() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert {port["target"] for port in published} == {3000, 8080, 9090}
    for port in published:
        variable = VARIABLE.fullmatch(port["host_ip"])
        assert variable is not None
        assert variable["what"] == "127.0.0.1"


def test_the_stack_refuses_to_start_without_an_api_key_and_says_how_to_get_one() -> None:
    variable = VARIABLE.fullmatch(SERVICES["service"]["environment"]["SELFREF_SERVICE_API_KEYS"])
    assert variable is not None
    assert variable["how"] == "?"
    assert "make .env" in variable["what"]


@pytest.mark.parametrize("name", [*OURS, "grafana", "prometheus", "redis"])
def test_our_containers_hold_no_privilege(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_every_setting_left_out_keeps_the_default_of_the_process(name: str) -> None:
    """A default repeated in the compose file would drift from the one in the process's settings."""
    repeated = {key: value for key, value in SERVICES[name].get("environment", {}).items() if value is not None}
    files = {"SELFREF_SPOOL_DIR", "SELFREF_ARCHIVE_URL"}
    addresses = {"SELFREF_REDIS_URL", "SELFREF_ENGINE_URL", "SELFREF_URL"}
    assert set(repeated) <= addresses | {"SELFREF_SERVICE_API_KEYS"} | files


def test_gateway_and_keeper_share_uploads_and_archive_and_the_image_lets_them_write_there() -> None:
    mounted = ["spool:/data/spool", "archive:/data/archive"]
    assert SERVICES["service"]["volumes"] == SERVICES["keeper"]["volumes"] == mounted
    assert {"spool", "archive"} <= set(COMPOSE["volumes"])
    for name in ("service", "keeper"):
        assert SERVICES[name]["environment"]["SELFREF_SPOOL_DIR"] == "/data/spool"
        assert SERVICES[name]["environment"]["SELFREF_ARCHIVE_URL"] == "${SELFREF_ARCHIVE_URL:-/data/archive}"
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    assert OWNED in dockerfile


def test_the_trainer_reads_the_feed_over_http_and_keeps_what_it_makes() -> None:
    service, image = SERVICES["trainer"], (ROOT / "docker" / "Dockerfile").read_text()
    assert service["environment"]["SELFREF_URL"] == "http://service:8080"
    assert networks("trainer") == {"stack"}
    assert "ports" not in service
    assert service["depends_on"] == {"service": {"condition": "service_healthy"}}
    assert service["volumes"] == ["training:/data/training", "${MODELS_DIR:-models}:/models:ro"]
    assert "training" in COMPOSE["volumes"]
    assert OWNED in image
    assert "SELFREF_TRAINER_DATA=/data/training" in image
    assert service["tmpfs"] == ["/tmp"]


def test_the_stack_starts_without_a_trainers_key() -> None:
    """Compose reads all variables, of profiles that are off too."""
    assert SERVICES["trainer"]["environment"]["SELFREF_API_KEY"] is None


def test_a_trainer_needs_no_gpu() -> None:
    assert "deploy" not in SERVICES["trainer"]
    assert SERVICES["trainer"]["build"]["args"] == SERVICES["engine"]["build"]["args"]


BUCKET = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "FSSPEC_S3_ENDPOINT_URL"}
FIXED_BY_THE_IMAGE = {
    "SELFREF_SERVICE_HOST",
    "SELFREF_SERVICE_PORT",
    "SELFREF_SERVICE_API_KEYS_FILE",  # keys come inline; a file would have to be mounted
    "SELFREF_KEEPER_METRICS_HOST",
    "SELFREF_KEEPER_METRICS_PORT",
    "SELFREF_WORKER_METRICS_HOST",
    "SELFREF_WORKER_METRICS_PORT",
}


def variables(settings: type[BaseSettings]) -> set[str]:
    """The names of the environment variables that a process reads."""
    prefix = settings.model_config["env_prefix"]
    return {str(field.validation_alias or f"{prefix}{name.upper()}") for name, field in settings.model_fields.items()}


@pytest.mark.parametrize(
    ("name", "settings"), [("service", GatewaySettings), ("keeper", KeeperSettings), ("worker", WorkerSettings)]
)
def test_every_setting_of_a_process_can_be_given_in_the_env_file(name: str, settings: type[BaseSettings]) -> None:
    assert set(SERVICES[name]["environment"]) - BUCKET == variables(settings) - FIXED_BY_THE_IMAGE


def test_every_option_of_the_trainer_can_be_given_in_the_env_file() -> None:
    """But for its folder, which is the image's, and for how many rounds it ends: a container would begin again."""
    options = {each.name for each in typer.main.get_command(trainer).commands["follow"].params}
    options -= {"data", "rounds", "url", "api_key"}
    told = {f"{TRAINER_PREFIX}_{name}".upper() for name in options}
    assert set(SERVICES["trainer"]["environment"]) == told | {"SELFREF_URL", "SELFREF_API_KEY"}


def test_the_way_into_a_bucket_is_told_to_gateway_and_keeper_only() -> None:
    told = {name for name, service in SERVICES.items() if BUCKET & set(service.get("environment", {}))}
    assert told == {"service", "keeper"}
    assert all(set(SERVICES[name]["environment"]) >= BUCKET for name in told)


def test_the_engine_knows_the_settings_it_is_given() -> None:
    assert set(SERVICES["engine"]["environment"]) <= variables(EngineSettings)


def test_the_hub_token_reaches_the_engine_that_downloads_and_nothing_else() -> None:
    assert [name for name, service in SERVICES.items() if "HF_TOKEN" in str(service.get("environment", {}))] == ["tgi"]


def test_every_variable_is_explained_in_the_example() -> None:
    used = {match["name"] for match in VARIABLE.finditer((ROOT / "docker-compose.yml").read_text())}
    explained = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used - explained == set()


def test_the_example_shows_the_defaults_that_hold() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    defaults = {match["name"]: match["what"] for match in VARIABLE.finditer(text) if match["how"] == "-"}
    shown = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    # of these the example shows a value to adapt
    free_choice = {"MODELS_DIR", "CALIBRATIONS_DIR", "ENGINE_MODEL", "SELFREF_ENGINE_URL"}
    assert {name: shown[name] for name in defaults.keys() - free_choice} == {
        name: value for name, value in defaults.items() if name not in free_choice
    }


def test_prometheus_looks_where_the_processes_answer() -> None:
    scraped = yaml.safe_load((ROOT / "docker" / "prometheus.yml").read_text())["scrape_configs"]
    addresses = {(name, sd["port"]) for job in scraped for sd in job["dns_sd_configs"] for name in sd["names"]}
    assert addresses == {("service", 8080), ("keeper", 9103), ("worker", 9102), ("engine", 8081)}
    assert all("stack" in networks(name) for name, _ in addresses)
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    assert {int(port) for port in re.findall(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)} == {8080, 9102, 9103, 8081}
