"""The tiny model's tokenizer: byte-level BPE learnt here and now from the small English text beside this file."""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from littleworld.chat_template import LLAMA_2_CHAT_TEMPLATE

VOCABULARY = 1024  # tokens at most; fewer where the text runs out of pairs
UNK_ID, BOS_ID, EOS_ID = 0, 1, 2  # as Llama-2
UNK, BOS, EOS = "<unk>", "<s>", "</s>"
LABELS = (" A", " B")  # what a verdict ends with; each must be one token


def train_tokenizer() -> Tokenizer:
    """Learn the merges. BOS is put in front, as Llama does; raises ValueError where a label is not one token."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNK))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[UNK, BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_lines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, BOS_ID)]
    )
    for label in LABELS:
        if len(tokenizer.encode(label, add_special_tokens=False).ids) != 1:
            raise ValueError(f"the text no longer makes {label!r} a single token")
    return tokenizer


def wrap_tokenizer(tokenizer: Tokenizer, *, context: int) -> PreTrainedTokenizerFast:
    """The form that transformers saves and loads, with Llama-2's chat template."""
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token=UNK,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        chat_template=LLAMA_2_CHAT_TEMPLATE,
    )


def _lines() -> list[str]:
    return Path(__file__).with_name("corpus.txt").read_text(encoding="utf-8").splitlines()
