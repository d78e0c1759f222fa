"""Models of known shapes with random weights, to measure speed where the real ones are not at hand."""

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Any

from littleworld import JUDGE


class Shapes(StrEnum):
    """The models whose shapes are known."""

    JUDGE = "judge"
    LLAMA_2_13B = "llama-2-13b"


SIZES: dict[Shapes, dict[str, int]] = {
    Shapes.JUDGE: {
        "hidden_size": 192,
        "intermediate_size": 512,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "vocab_size": 1536,
    },
    Shapes.LLAMA_2_13B: {
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "vocab_size": 32_000,
    },
}
POSITIONS = 4096


def write_random(folder: Path, shapes: Shapes) -> None:
    """A Llama of these shapes in bfloat16, made on the GPU where there is one, with the bundled judge's tokenizer.

    Its texts are noise that only their limit ends: SELFREF_WORKER_CRITIQUE_TOKENS and ..._REFERENCE_TOKENS.
    """
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    models: Any = AutoModelForCausalLM  # whose methods have no types
    sizes: dict[str, Any] = {**SIZES[shapes], "max_position_embeddings": POSITIONS}
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        network = models.from_config(LlamaConfig(**sizes), dtype=torch.bfloat16)
    network.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(JUDGE / name, folder)
