"""Causal language models as the trainer loads them."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from trainer.errors import ModelUnusable


def load_causal(folder: Path, *, device: torch.device | str | None = None) -> Any:
    """A folder's model, float32, dropping nothing out; on the GPU where there is one. Raises ModelUnusable."""
    try:
        network: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"{folder} holds no causal language model that transformers can load: {error}") from error
    return network.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
