"""Packed linear layers compute what plain ones do, for any number of tokens, and only where they help."""

import pytest
import torch
from torch import nn

from engine.packed import FEW, PackedLinear, pack_linear_layers


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
