"""The promises of docker/Dockerfile and .dockerignore: lean, unprivileged, complete."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from selfref.stack.bundled import BUNDLED_MODEL
from trainer.follow.command import JUDGE

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [pattern.rstrip("*") for pattern in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]


def stages() -> dict[str, str]:
    """Each stage's name and its instructions."""
    found = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


@pytest.mark.parametrize("process", ["service", "worker", "engine", "trainer"])
def test_an_image_installs_the_dependencies_of_its_own_process_only(process: str) -> None:
    installed = re.findall(r"'\.\[(.*?)\]'", stages()[f"build-{process}"])
    assert installed == [process]
    assert f"--from=build-{process}" in stages()[process]


@pytest.mark.parametrize("process", ["engine", "trainer"])
def test_the_judge_that_an_image_links_to_is_the_installed_one(process: str) -> None:
    """Where the sources lie, `python3 -c` would find them first, and they are in no image."""
    (asked,) = re.findall(r"python3 (.*?)'import littleworld", stages()[f"build-{process}"])
    assert asked.split() == ["-P", "-c"]


def test_every_dependency_is_pinned() -> None:
    installs = [line for line in DOCKERFILE.splitlines() if "pip install" in line and "--no-deps" not in line]
    extras = [line for line in installs if "ARCHIVE_PACKAGES" in line]
    assert len(installs) - len(extras) == 4
    assert all("--constraint constraints.txt" in line for line in installs if line not in extras)


def test_what_an_archive_needs_changes_nothing_that_is_pinned_and_is_held_to_nothing_else() -> None:
    """Held to constraints.txt, s3fs cannot be installed: botocore wants an older dateutil than is pinned there."""
    (extra,) = re.findall(r"RUN pip freeze .*?fi$", stages()["build-service"], re.MULTILINE | re.DOTALL)
    assert "pip freeze --exclude selfref >installed.txt" in extra
    assert "pip install --constraint installed.txt ${ARCHIVE_PACKAGES}" in extra
    assert "constraints.txt" not in extra


@pytest.mark.parametrize("process", ["service", "service.keeper", "worker", "engine"])
def test_a_process_that_serves_tells_its_health(process: str) -> None:
    assert re.search(r"^HEALTHCHECK .*CMD \[", stages()[process.rpartition(".")[2]], re.MULTILINE)


@pytest.mark.parametrize("process", ["service", "service.keeper", "worker", "engine", "trainer"])
def test_a_process_is_unprivileged_and_hears_signals(process: str) -> None:
    image = stages()["runtime"] + stages()[process.rpartition(".")[2]]
    assert re.search(r"^USER 10001$", image, re.MULTILINE)
    assert "USER root" not in image
    # The exec form: a shell in between would swallow SIGTERM, and work would be killed instead of handed back.
    assert re.search(rf'^ENTRYPOINT \["python3", "-m", "{process}"', image, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", image, re.MULTILINE)


def test_the_trainer_asks_no_hub_and_starts_from_the_bundled_judge_unless_told_otherwise() -> None:
    """By a variable of the image that compose does not know: it would take away one that .env leaves out."""
    (judge,) = re.findall(r'ln -s "\$judge" (/opt/selfref/\S+)', stages()["build-trainer"])
    environment = dict(re.findall(r"([A-Z_]+)=(\S+)", stages()["trainer"]))
    assert environment[JUDGE] == judge
    assert (environment["HF_HUB_OFFLINE"], environment["OMP_WAIT_POLICY"]) == ("1", "PASSIVE")
    passed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["trainer"]["environment"]
    assert not environment.keys() & passed.keys()
    assert "EXPOSE" not in stages()["trainer"]


def test_every_data_file_of_the_packages_is_declared_for_the_wheel() -> None:
    """An image installs a wheel: a prompt or script that only lies in the sources would be missing there."""
    declared = {
        file
        for package, patterns in PYPROJECT["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for file in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    files = {file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()}
    data = {file for file in files if file.suffix not in {".py", ".pyc"}}
    assert data - declared == set()


def test_the_engine_serves_the_bundled_judge_unless_told_otherwise() -> None:
    """By the image alone and by compose; either names the judge as the local stack does."""
    assert "print(littleworld.JUDGE)" in stages()["build-engine"]
    (judge,) = re.findall(r'ln -s "\$judge" (/opt/selfref/\S+)', stages()["build-engine"])
    served = re.search(r"^CMD (.*)$", stages()["engine"], re.MULTILINE)
    assert served is not None
    assert json.loads(served[1]) == ["--model", judge, "--model-id", BUNDLED_MODEL]
    command = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["engine"]["command"]
    default = [re.sub(r"\$\{ENGINE_MODEL:-(.*)\}", r"\1", word) for word in command]
    assert default == json.loads(served[1])
    own = {re.sub(r"\$\{ENGINE_MODEL:-.*\}", "/models/own", word) for word in command}
    assert own == {"--model", "--model-id", "/models/own"}, "a model of one's own is never called the bundled judge"


def test_a_build_sees_the_packages_and_nothing_private() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", *PACKAGES}
