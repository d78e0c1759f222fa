"""One thread, no hub, and a policy's folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers.utils import logging

from tests.trainer.models import write_policy

logging.disable_progress_bar()


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for one another take longer on a busy machine, and other numbers of them give other bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the commands set it, and only here."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random policy with its tokenizer."""
    return write_policy(tmp_path_factory.mktemp("policy"))
