"""Packed linear layers compute what plain ones do, for any number of tokens, and only where they help."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from engine.packed import CACHES, FEW, PackedLinear, pack_linear_layers


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, FEW - 1), (FEW, 1), (3, 50), (2, 0)])
def test_a_packed_layer_is_the_layer(bias: bool, shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(48, 20, bias=bias)
    tokens = torch.randn(*shape, 48)
    with torch.inference_mode():
        packed = PackedLinear.of(layer)
        assert packed.weight is layer.weight
        torch.testing.assert_close(packed(tokens), layer(tokens))
        torch.testing.assert_close(packed(tokens.transpose(0, 1)), layer(tokens.transpose(0, 1)))


def test_only_linear_layers_in_float32_are_packed() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ModuleList([nn.Linear(4, 4).bfloat16(), nn.Embedding(4, 4)]))
    pack_linear_layers(network)
    assert [type(module) for module in network.modules()] == [
        *(nn.Sequential, PackedLinear, nn.ModuleList, nn.Linear, nn.Embedding)
    ]


def test_memory_does_not_grow_with_the_numbers_of_tokens_that_were_met() -> None:
    """Without a limit it grows by some 700 MiB here; a process of its own, since the caches are made once in each."""
    free = {name: value for name, value in os.environ.items() if name not in CACHES}
    told = subprocess.run([sys.executable, "-c", _MEETING], env=free, capture_output=True, text=True, check=True)
    assert float(told.stdout) < 100


_MEETING = """
import os

import torch
from torch import nn

from engine.packed import pack_linear_layers
from selfref.bench.cpu import peak_bytes

torch.set_num_threads(1)
network = nn.Sequential(nn.Linear(192, 512), nn.Linear(512, 192))
pack_linear_layers(network)
tokens = torch.randn(700, 192)

with torch.inference_mode():
    network(tokens)
    before = peak_bytes(os.getpid())
    for number in range(100, 700):
        network(tokens[:number])
print((peak_bytes(os.getpid()) - before) / 2**20)
"""
