"""The judge's tokenizer: bytes, merged into the little world's whole words; digits stay single.

Every fixed passage of the worker's prompt files is one token. The instructions that every judgment repeats then cost
three tokens instead of two hundred, in training and in serving alike; a prompt file that changes makes them words that
this judge has never seen, so it must be trained again (its model card keeps the prompts' digest, and a test compares).
"""

import re
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from tokenizers.pre_tokenizers import PreTokenizer
from transformers import PreTrainedTokenizerFast

from littleworld.chat_template import LLAMA_2_CHAT_TEMPLATE
from worker.prompts import Prompts

VOCABULARY = 1536  # tokens at most
CONTEXT = 4096  # positions, as Llama-2; longer than anything in the little world
UNK, BOS, EOS = "<unk>", "<s>", "</s>"
UNK_ID, BOS_ID, EOS_ID = 0, 1, 2  # as Llama-2
TURN_MARKS = ("[INST]", "[/INST]")
LAYOUT = ('\n"""\n', '"""', "\n\n")  # how prompts are laid out: fences of quotation marks, empty lines
LABELS = (" A", " B")  # what a verdict ends with; each must be one token

_WORDS = r"\n+| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]|\s"
_FIELD = re.compile(r"\{[a-z]+\}")


def train_tokenizer(texts: Iterable[str], prompts: Prompts) -> Tokenizer:
    """Learn the merges from the world's texts. Raises ValueError where a label is not one token."""
    splitting = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer = learn_merges(texts, splitting=splitting, vocabulary=VOCABULARY)
    passages = [*TURN_MARKS, *LAYOUT, *fixed_passages(prompts)]
    tokenizer.add_tokens([AddedToken(passage, normalized=False) for passage in passages])
    return tokenizer


def learn_merges(texts: Iterable[str], *, splitting: PreTokenizer, vocabulary: int) -> Tokenizer:
    """Byte-level BPE that puts BOS in front, as Llama does. Raises ValueError where a label is not one token."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNK))
    tokenizer.pre_tokenizer = splitting
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[UNK, BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, BOS_ID)]
    )
    for label in LABELS:
        if len(tokenizer.encode(label, add_special_tokens=False).ids) != 1:
            raise ValueError(f"the texts do not make {label!r} a single token")
    return tokenizer


def fixed_passages(prompts: Prompts) -> list[str]:
    """What the prompt files say between their fields, and the verdict's opening."""
    pieces = [piece.strip() for text in (prompts.critique, prompts.direct) for piece in _FIELD.split(text)]
    return list(dict.fromkeys([*filter(None, pieces), prompts.verdict.opening]))


def wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The form that transformers saves and loads, with Llama-2's chat template."""
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token=UNK,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        chat_template=LLAMA_2_CHAT_TEMPLATE,
    )
