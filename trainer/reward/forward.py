"""A network's scores of padded sequences, and its hidden states where they are asked for."""

from typing import Any

from torch import Tensor
from torch.nn.functional import pad

from trainer.lengths import joined, parts_of


def forward(network: Any, tokens: Tensor, mask: Tensor, *, hidden: bool) -> tuple[Tensor, Tensor | None]:
    """Scores, (sequences,), and where asked for the last hidden states, (sequences, longest, width).

    `tokens` and `mask` are (sequences, longest), padded at the right; a hidden state at padding has no meaning.
    """
    parts, scores, states = list(parts_of(mask)), [], []
    for part in parts:
        some, stands = tokens[part.rows, part.columns], mask[part.rows, part.columns]
        found = network(input_ids=some, attention_mask=stands, output_hidden_states=hidden)
        scores.append(found.logits[:, 0])
        if hidden:
            states.append(pad(found.hidden_states[-1], (0, 0, 0, tokens.shape[1] - some.shape[1])))
    return joined(parts, scores), joined(parts, states) if hidden else None
