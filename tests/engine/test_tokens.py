"""Tokenizing and showing tokens, with the two kinds of tokenizer that matter: byte-level, and Llama's own kind."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from engine.tokens import TokenTexts, Vocabulary
from littleworld.tokenizer import BOS, EOS, UNK, wrap
from tests.tiny_model.tokenizer import train_tokenizer


def llama_style() -> Vocabulary:
    """Words marked by U+2581, bytes for what is unknown, one leading space stripped on decoding: as Llama-2's."""
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token=UNK, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=[UNK, BOS, EOS, *byte_tokens], show_progress=False)
    tokenizer.train_from_iterator(["the better response is Response A and not Response B A B"] * 3, trainer)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    written = json.loads(tokenizer.to_str())
    written["added_tokens"] = written["added_tokens"][:3]  # bytes are in the vocabulary, and nothing special
    tokenizer = Tokenizer.from_str(json.dumps(written))
    return Vocabulary(PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=UNK, bos_token=BOS, eos_token=EOS))


def byte_level() -> Vocabulary:
    return Vocabulary(wrap(train_tokenizer()))


KINDS: dict[str, Vocabulary] = {"byte-level": byte_level(), "llama": llama_style()}


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd▁"), min_size=1, max_size=20).filter(
    lambda text: not any(special in text for special in (UNK, BOS, EOS))  # which are no text: decoding leaves them out
)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(prompt=TEXTS, generated=TEXTS)
def test_the_pieces_add_up_to_the_text(kind: str, prompt: str, generated: str) -> None:
    vocabulary = KINDS[kind]
    before, after = (vocabulary.encode(text, special=False).ids for text in (prompt, generated))
    texts = TokenTexts(vocabulary, before)
    pieces = "".join(texts.push(token) for token in after)
    whole = vocabulary.continuation(before, after)
    assert pieces == whole == {"byte-level": generated, "llama": " " + generated}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_space_before_a_generated_word_is_kept(kind: str) -> None:
    vocabulary = KINDS[kind]
    prompt = vocabulary.encode("the better response is Response", special=False).ids
    [label] = vocabulary.encode("the better response is Response A", special=False).ids[len(prompt) :]
    assert vocabulary.continuation(prompt, [label]) == " A"
    assert TokenTexts(vocabulary, prompt).push(label) == " A"
    assert vocabulary.alone(label) == {"byte-level": " A", "llama": "A"}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_grammar_sees_the_labels_space_in_both_kinds(kind: str) -> None:
    vocabulary = KINDS[kind]
    prompt = vocabulary.encode("the better response is Response", special=False).ids
    labels = [
        vocabulary.encode(f"the better response is Response {name}", special=False).ids[len(prompt)] for name in "AB"
    ]
    table: Any = from_tokenizer(vocabulary.tokenizer)
    mask = LLMatcher(table, LLMatcher.grammar_from_regex(" (A|B)")).compute_logit_bias()
    allowed = {token for token, bias in enumerate(mask) if bias}
    assert set(labels) <= allowed
    assert {vocabulary.alone(token).strip() for token in allowed} <= {"A", "B", ""}
