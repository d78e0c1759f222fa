"""Linear layers on CPU with a second copy of their weights in oneDNN's own layout, for many tokens at a time.

PyTorch multiplies float32 matrices with MKL, which on AMD processors reaches less than half the speed of oneDNN; for a
few tokens MKL is the quicker one (docs/benchmarks.md). Both multiply and sum in float32: results differ by rounding.

The two operators are private to PyTorch; they are what torch.compile makes of a linear layer on CPU. Compiling itself
takes longer than everything else that the engine does to start.
"""

import os
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

MOST_BYTES = 1 << 30  # of a model's weights: the copies of a larger one would cost more memory than they are worth
FEW = 8  # tokens, below which MKL is quicker
USUAL = 64  # tokens that the layout is made for; any number works
# oneDNN makes code for each number of tokens, and PyTorch keeps it once more: a thousand pieces each unless told, more
# memory than all else in the engine. The number of a decoding step soon comes again, that of a prompt seldom.
CACHES = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16", "LRU_CACHE_CAPACITY": "16"}


class PackedLinear(nn.Linear):
    """A linear layer that multiplies few tokens with `weight` and many with a packed copy of it."""

    packed: Tensor

    @classmethod
    def of(cls, layer: nn.Linear) -> Self:
        """The same layer, sharing its parameters."""
        made = cls.__new__(cls)
        made.__dict__.update(layer.__dict__)
        made.packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), USUAL)  # noqa: SLF001
        return made

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - nn.Linear's name for it
        """input @ weight.T + bias; (..., in_features) to (..., out_features)."""
        if input.numel() < FEW * self.in_features:
            return nn.functional.linear(input, self.weight, self.bias)
        output = torch.ops.mkldnn._linear_pointwise(input, self.packed, self.bias, "none", [], "")  # noqa: SLF001
        return cast("Tensor", output)


def pack_linear_layers(network: Any) -> None:
    """Replace the linear layers of a float32 model on CPU, in place; leave a large model as it is."""
    layers = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear and child.weight.dtype is torch.float32 and child.weight.device.type == "cpu"
    ]
    size = sum(layer.weight.nbytes for _, _, layer in layers)
    if size > MOST_BYTES or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for variable, capacity in CACHES.items():  # read when the first code is made
        os.environ.setdefault(variable, capacity)
    for parent, name, layer in layers:
        setattr(parent, name, PackedLinear.of(layer))
