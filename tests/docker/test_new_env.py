"""`make .env`: the key that is printed is the key whose digest is written, and an existing file is never lost."""

import hashlib
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the script reads, so that the real .env stays untouched."""
    (tmp_path / "docker").mkdir()
    shutil.copy(ROOT / "docker" / "new-env.sh", tmp_path / "docker")
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


def write_env(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([checkout / "docker" / "new-env.sh"], capture_output=True, text=True, check=False)


def test_the_printed_key_opens_what_was_written(checkout: Path) -> None:
    key = re.search(r"^ {4}(\S+)$", write_env(checkout).stdout, re.MULTILINE)
    assert key is not None
    written = (checkout / ".env").read_text()
    assert f"\nSELFREF_SERVICE_API_KEYS=default:{hashlib.sha256(key[1].encode()).hexdigest()}\n" in written
    assert key[1] not in written
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_every_key_is_its_own(checkout: Path) -> None:
    first = write_env(checkout).stdout
    (checkout / ".env").unlink()
    assert write_env(checkout).stdout != first


def test_an_existing_env_is_left_alone(checkout: Path) -> None:
    (checkout / ".env").write_text("mine\n")
    refused = write_env(checkout)
    assert refused.returncode == 1
    assert "already" in refused.stderr
    assert (checkout / ".env").read_text() == "mine\n"
