"""One tiny model and one engine for the whole session."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from engine.tokens import Vocabulary, load_vocabulary
from tests.engine.serving import Served, serving
from tests.tiny_model.model import write_tiny_model

torch.set_num_threads(1)
transformers_logging.disable_progress_bar()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny noise model."""
    path: Path = tmp_path_factory.mktemp("tiny") / "model"
    write_tiny_model(path)
    return path


@pytest.fixture(scope="session")
def model(folder: Path) -> Any:
    """The same model in transformers' own hands."""
    return AutoModelForCausalLM.from_pretrained(folder).eval()


@pytest.fixture(scope="session")
def vocabulary(folder: Path) -> Vocabulary:
    """The model's tokenizer."""
    return load_vocabulary(folder)


@pytest.fixture(scope="session")
def engine(folder: Path) -> Iterator[Served]:
    """An engine with TGI's defaults."""
    with serving(folder, model_id="tiny/noise", revision="r1") as served:
        yield served
