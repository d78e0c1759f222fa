"""One causal language model on one device: loading it, and the single forward call that everything else is built on."""

import inspect
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.cache_utils import Cache, DynamicLayer

from engine.errors import ModelUnusable
from engine.packed import pack_linear_layers

DEFAULT_CONTEXT = 2048  # tokens, for models without a fixed number of positions
_LOADED = (".json", ".safetensors", ".bin")
_POSITION_LIMITS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")


@dataclass(frozen=True)
class Inputs:
    """One forward call: some new tokens for each of several rows.

    `ids` and `positions` are (rows, new tokens); `mask` is (rows, cached + new tokens), 1 where there is a token, or
    None where no row is padded; `cache` is read and extended in place. Logits of the last `keep` tokens are wanted (0:
    of all).
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor | None
    cache: Cache
    keep: int = 1


@dataclass(frozen=True)
class Model:
    """A loaded model and the facts about it that scheduling needs."""

    network: Any  # a transformers *ForCausalLM; its class is known only at run time
    device: torch.device
    dtype: torch.dtype
    vocabulary: int
    context: int
    eos_ids: frozenset[int]
    kv_bytes_per_token: int
    takes_positions: bool
    keeps_logits: bool

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits, float32, shape (rows, keep, vocabulary); on a GPU they have been computed when this returns."""
        arguments: dict[str, Any] = {}
        if self.takes_positions:
            arguments["position_ids"] = inputs.positions.to(self.device)
        if self.keeps_logits:
            arguments["logits_to_keep"] = inputs.keep
        output = self.network(
            input_ids=inputs.ids.to(self.device),
            attention_mask=None if inputs.mask is None else inputs.mask.to(self.device),
            past_key_values=inputs.cache,
            use_cache=True,
            return_dict=True,
            **arguments,
        )
        logits = cast("Tensor", output.logits[:, -inputs.keep or None :].float())
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # choosing a token would wait now anyway; so time is told apart
        return logits


def load_model(folder: Path, *, device: str, dtype: str) -> Model:
    """Load a folder from disk only.

    Raises ModelUnusable where there is no such folder, model or device, or no permission to read it.
    """
    _require_model(folder)
    where = pick_device(device)
    try:
        network: Any = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, dtype=pick_dtype(dtype, where)
        )
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"cannot load {folder}: {error}") from error
    network = network.to(where).eval().requires_grad_(False)
    _refuse_recurrent(network)
    pack_linear_layers(network)
    accepted = inspect.signature(network.forward).parameters
    takes_positions, keeps_logits = "position_ids" in accepted, "logits_to_keep" in accepted
    kv_bytes, vocabulary = _measure(network, where)
    return Model(
        network=network,
        device=where,
        dtype=network.dtype,
        vocabulary=vocabulary,
        context=_context(network.config.get_text_config(decoder=True)),
        eos_ids=_eos_ids(network),
        kv_bytes_per_token=kv_bytes,
        takes_positions=takes_positions,
        keeps_logits=keeps_logits,
    )


def keys_values(cache: Cache) -> list[tuple[Tensor, Tensor]]:
    """Each layer's keys and values, (rows, heads, tokens, head size), of a cache of plain attention layers."""
    return [(layer.keys, layer.values) for layer in cast("list[Any]", cache.layers)]


def pick_device(name: str) -> torch.device:
    """`auto` is the first GPU where there is one, else the CPU. Raises ModelUnusable for what is not here."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (AssertionError, RuntimeError) as error:  # a torch built without CUDA asserts
        reason = str(error).partition("\n")[0]
        raise ModelUnusable(
            f"--device {name} cannot be used here ({reason}); give auto, cpu, cuda or cuda:N"
        ) from error


def pick_dtype(name: str, device: torch.device) -> torch.dtype | str:
    """`auto` is the checkpoint's own type on a GPU, and on CPU float32: exact, and for small models no slower."""
    if name == "auto":
        return "auto" if device.type == "cuda" else torch.float32
    return cast("torch.dtype", getattr(torch, name))


def _require_model(folder: Path) -> None:
    """Looks at permissions itself: safetensors says of a file that may not be read that it is not there."""
    try:
        if not (folder / "config.json").is_file():
            raise ModelUnusable(
                f"{folder} holds no config.json; give the folder of a Hugging Face causal language model"
            )
        locked = sorted(
            path.name for path in folder.iterdir() if path.suffix in _LOADED and not os.access(path, os.R_OK)
        )
    except PermissionError as error:
        raise ModelUnusable(f"no permission to look into {folder}; let this user read it") from error
    if locked:
        raise ModelUnusable(f"no permission to read {', '.join(locked)} in {folder}; let this user read it")


def _refuse_recurrent(network: Any) -> None:
    layers = DynamicCache(config=network.config).layers
    if not all(isinstance(layer, DynamicLayer) for layer in layers):
        kinds = sorted({type(layer).__name__ for layer in layers})
        raise ModelUnusable(f"this engine batches key/value attention only; the model also has {', '.join(kinds)}")


@torch.inference_mode()
def _measure(network: Any, device: torch.device) -> tuple[int, int]:
    """Bytes of K/V per token, and the width of the logits, read off a one-token run (which is also the warm-up)."""
    cache = DynamicCache()
    output = network(
        input_ids=torch.zeros((1, 1), dtype=torch.long, device=device), past_key_values=cache, use_cache=True
    )
    size = sum(keys.nbytes + values.nbytes for keys, values in keys_values(cache))
    return size, output.logits.shape[-1]


def _context(config: Any) -> int:
    limits = (getattr(config, name, None) for name in _POSITION_LIMITS)
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), DEFAULT_CONTEXT)


def _eos_ids(network: Any) -> frozenset[int]:
    found: set[int] = set()
    for config in (network.config, network.generation_config):
        ids = getattr(config, "eos_token_id", None)
        found.update([ids] if isinstance(ids, int) else ids or [])
    return frozenset(found)
