"""The tiny model's tokenizer: byte-level BPE learnt here and now from the small English text beside this file."""

from pathlib import Path

from tokenizers import Tokenizer, pre_tokenizers

from littleworld.tokenizer import learn_merges

VOCABULARY = 1024  # tokens at most; fewer where the text runs out of pairs


def train_tokenizer() -> Tokenizer:
    """Learn the merges; the world's own tokenizer differs in how it splits texts."""
    lines = Path(__file__).with_name("corpus.txt").read_text(encoding="utf-8").splitlines()
    return learn_merges(lines, splitting=pre_tokenizers.ByteLevel(add_prefix_space=False), vocabulary=VOCABULARY)
