"""Writes the tiny model folder: random weights, its own tokenizer, Llama-2's chat template."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from littleworld.tokenizer import BOS_ID, CONTEXT, EOS_ID, UNK_ID, wrap
from tests.tiny_model.tokenizer import train_tokenizer

INITIALIZER_RANGE = 0.4  # wide, so that the noise has preferences instead of near-ties
SEED = 0


def write_tiny_model(folder: Path) -> None:
    """Make the model in `folder` (created if missing); always the same weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    _random_llama(tokenizer).save_pretrained(folder)
    wrap(tokenizer).save_pretrained(folder)


def _random_llama(tokenizer: Tokenizer) -> LlamaForCausalLM:
    """A two-layer Llama with grouped-query attention, about a quarter of a million random parameters."""
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=INITIALIZER_RANGE,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight[_unreadable(tokenizer)] = 0.0
    return model


def _unreadable(tokenizer: Tokenizer) -> list[int]:
    """Ids that do not print alone (pieces of UTF-8, control bytes): the noise reads them but does not say them."""
    readable = (tokenizer.decode([token], skip_special_tokens=False) for token in range(tokenizer.get_vocab_size()))
    return [
        token
        for token, text in enumerate(readable)
        if token in (UNK_ID, BOS_ID) or not text.isascii() or not text.replace("\n", " ").isprintable()
    ]
