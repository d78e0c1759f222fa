"""The judge's network, its loss, and its optimizer."""

from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import log_softmax
from transformers import LlamaConfig, LlamaForCausalLM

from littleworld.recipe import Recipe
from littleworld.tokenizer import BOS_ID, CONTEXT, EOS_ID, LABELS
from littleworld.turns import NOTHING, VERDICT

ADAM_BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.02


@dataclass(frozen=True, slots=True)
class Losses:
    """Means over a batch, nats: of the tokens of turns, and of verdicts (zero where the batch has none)."""

    turns: Tensor
    verdicts: Tensor


def build(recipe: Recipe, tokenizer: Tokenizer) -> LlamaForCausalLM:
    """Random weights drawn from the recipe's seed; input and output embeddings are one matrix."""
    torch.manual_seed(recipe.seed)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=recipe.width,
            intermediate_size=recipe.feed_forward,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            initializer_range=recipe.weights_spread,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=BOS_ID,
            eos_token_id=EOS_ID,
        )
    )
    network.set_attn_implementation("eager")  # its backward pass on CPU takes a third of the fused one's time
    return network


def label_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    """The tokens of the two labels."""
    first, second = (tokenizer.encode(label, add_special_tokens=False).ids[0] for label in LABELS)
    return first, second


def losses(network: Any, tokens: Tensor, targets: Tensor, probability_a: Tensor, *, labels: tuple[int, int]) -> Losses:
    """Cross-entropy where something is to be said; against a probability where the verdict is due.

    `tokens` and `targets` are (examples, longest), as `mixture.tensors` makes them; `probability_a` is (examples,).
    Only places with a target reach the output matrix. In bfloat16 where the matrices are, float32 in the loss.
    """
    due = targets != NOTHING
    wanted = targets[due]
    with torch.autocast(tokens.device.type, torch.bfloat16):
        hidden = network.model(tokens).last_hidden_state
        logits = network.lm_head(hidden[due])
    log_probs = log_softmax(logits.float(), dim=-1)  # (places, vocabulary)
    verdict = wanted == VERDICT
    turns = -log_probs[~verdict].gather(1, wanted[~verdict].unsqueeze(1)).mean()
    if not verdict.any():
        return Losses(turns=turns, verdicts=turns.new_zeros(()))
    p = probability_a[due.nonzero()[:, 0][verdict]]
    a, b = (log_probs[verdict, label] for label in labels)
    return Losses(turns=turns, verdicts=-(p * a + (1 - p) * b).mean())


def optimizer(network: LlamaForCausalLM, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW for everything."""
    return torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, betas=ADAM_BETAS, weight_decay=WEIGHT_DECAY, fused=True
    )
