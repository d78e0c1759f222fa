"""A network's forward pass over padded sequences, in parts of like lengths: little of the padding is computed."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

AT_ONCE = 8  # sequences in a part: few enough to be of like lengths, enough to keep a processor busy


def forward(network: Any, tokens: Tensor, mask: Tensor, *, hidden: bool) -> tuple[Tensor, Tensor | None]:
    """Scores, (sequences,), and where asked for the last hidden states, (sequences, longest, width).

    `tokens` and `mask` are (sequences, longest), padded at the right; a hidden state at padding has no meaning.
    """
    lengths = mask.sum(dim=1)
    by_length = lengths.argsort(stable=True)
    scores, states = [], []
    for rows in torch.split(by_length, AT_ONCE):
        longest = int(lengths[rows[-1]])
        found = network(
            input_ids=tokens[rows, :longest], attention_mask=mask[rows, :longest], output_hidden_states=hidden
        )
        scores.append(found.logits[:, 0])
        if hidden:
            states.append(pad(found.hidden_states[-1], (0, 0, 0, tokens.shape[1] - longest)))
    as_given = by_length.argsort()
    return torch.cat(scores)[as_given], torch.cat(states)[as_given] if hidden else None
