"""`python -m engine` as a process."""

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from pydantic import ValidationError

from engine.__main__ import parse_settings
from tests.tiny_model.model import write_tiny_model

PR_CAPBSET_DROP = 24  # <linux/prctl.h>
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def start(*arguments: str, preexec_fn: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=preexec_fn,
    )


def test_it_says_where_it_listens_and_stops_cleanly_on_sigterm(folder: Path) -> None:
    process = start("--model", str(folder), "--port", "0", "--max-top-n-tokens", "9", "--model-id", "me/mine")
    try:
        assert process.stdout is not None
        said = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert said is not None
        body = {"inputs": "x", "parameters": {"max_new_tokens": 1, "details": True, "top_n_tokens": 9}}
        answer = httpx2.post(f"{said[1]}/generate", json=body, trust_env=False, timeout=60).json()
        assert len(answer["details"]["top_tokens"][0]) == 9
        assert httpx2.get(f"{said[1]}/info", trust_env=False).json()["model_id"] == "me/mine"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert out == ""
    assert '"event": "engine_stopped"' in err


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    process = start("--model", str(tmp_path))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "holds no config.json; give the folder of a Hugging Face causal language model" in err


@pytest.mark.parametrize("device", ["banana", "cuda:99"])
def test_a_device_that_is_not_here_is_refused(folder: Path, device: str) -> None:
    process = start("--model", str(folder), "--device", device)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"--device {device} cannot be used here" in err
    assert "Traceback" not in err


def bound_by_permissions() -> None:
    """Take from root what lets it read everything (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH); others never had it."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def test_weights_that_may_not_be_read_are_told_from_missing_ones(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").chmod(0)
    process = start("--model", str(tmp_path / "model"), preexec_fn=bound_by_permissions)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "no permission to read model.safetensors" in err
    assert "No such file" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ([], "model"),
        (["--model", ".", "--port", "99999"], "port"),
        (["--model", ".", "--max-batch-size", "0"], "max_batch_size"),
        (["--model", ".", "--dtype", "int4"], "dtype"),
    ],
)
def test_a_wrong_setting_is_named(arguments: list[str], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_settings(arguments)
    assert caught.value.errors()[0]["loc"] == (field,)


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFREF_ENGINE_MAX_BATCH_SIZE", "7")
    monkeypatch.setenv("SELFREF_ENGINE_PORT", "7")
    settings = parse_settings(["--model", "m", "--port", "9", "--enable-prefill-logprobs"])
    assert (settings.max_batch_size, settings.port, settings.enable_prefill_logprobs) == (7, 9, True)
