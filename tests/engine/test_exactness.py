"""Greedy text and log-probabilities are transformers' own, alone, in a batch, and on top of reused prefixes."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import AsyncInferenceClient
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
)

from engine.metrics import Metrics
from engine.model import load_model
from engine.request import Job, Ticket
from engine.scheduler import Limits, Scheduler
from engine.tokens import Vocabulary
from tests.engine.reference import greedy
from tests.engine.serving import Served, serving

TOLERANCE = 1e-4  # nats
SENTENCES = (
    "The better response is Response",
    "Why is the sky blue? " * 12,
    "x",
    "You are a helpful assistant. " * 30,
    "Thank you very much for your help. You are welcome!",
)
COMMON = {"vocab_size": 300, "bos_token_id": 1, "eos_token_id": 2, "initializer_range": 0.4}
ARCHITECTURES: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, max_position_embeddings=512, **COMMON),
    "gpt2": GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512, **COMMON),
    "sliding-window": MistralConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                                    num_key_value_heads=2, max_position_embeddings=512, sliding_window=24, **COMMON),
    "mixed-layers": Gemma3TextConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
                                     num_key_value_heads=2, head_dim=8, max_position_embeddings=512, sliding_window=24,
                                     layer_types=["sliding_attention", "full_attention", "sliding_attention"],
                                     pad_token_id=0, **COMMON),
    "alibi": BloomConfig(hidden_size=32, n_layer=2, n_head=4, **COMMON),
}  # fmt: skip


def test_text_and_logprobs_alone_are_those_of_transformers(engine: Served, model: Any, vocabulary: Vocabulary) -> None:
    for sentence in SENTENCES:
        prompt = vocabulary.encode(sentence, special=True).ids
        truth = greedy(model, prompt, 24)
        details = engine.generate(sentence, max_new_tokens=24, top_n_tokens=5)["details"]
        assert [token["id"] for token in details["tokens"]] == truth.ids
        assert [token["logprob"] for token in details["tokens"]] == pytest.approx(truth.logprobs, abs=TOLERANCE)
        for row, top in zip(truth.distributions, details["top_tokens"], strict=True):
            best = row.topk(5)
            assert [token["id"] for token in top] == best.indices.tolist()
            assert [token["logprob"] for token in top] == pytest.approx(best.values.tolist(), abs=TOLERANCE)


async def test_a_batch_of_mixed_lengths_changes_nothing(folder: Path, model: Any, vocabulary: Vocabulary) -> None:
    lengths = [3, 17, 40, 9, 28, 1, 33, 5]
    asked = [(SENTENCES[index % len(SENTENCES)] + f" {index}", length) for index, length in enumerate(lengths)] * 2
    with serving(folder, prefix_cache_mib=-1) as served:
        async with AsyncInferenceClient(base_url=served.url + "/generate", api_key="-", timeout=60) as client:
            answers = await asyncio.gather(
                *(client.text_generation(text, max_new_tokens=length, details=True) for text, length in asked)
            )
        assert served.metric('tgi_batch_inference_count{method="decode"}') < sum(lengths)  # they did share steps
    for (text, length), answer in zip(asked, answers, strict=True):
        truth = greedy(model, vocabulary.encode(text, special=True).ids, length)
        assert [token.id for token in answer.details.tokens] == truth.ids
        assert [token.logprob for token in answer.details.tokens] == pytest.approx(truth.logprobs, abs=TOLERANCE)


def test_a_verdict_read_reuses_its_critique_and_reads_the_same(
    engine: Served, model: Any, vocabulary: Vocabulary
) -> None:
    prompt = "Compare each of the two responses with my own answer. " * 8
    critique = engine.generate(prompt, max_new_tokens=30)["generated_text"]
    verdict = prompt + critique + "\nThe better response is Response"
    reused = engine.metric("engine_prompt_reused_tokens")
    details = engine.generate(verdict, max_new_tokens=1, top_n_tokens=5)["details"]
    reused = engine.metric("engine_prompt_reused_tokens") - reused
    ids = vocabulary.encode(verdict, special=True).ids
    assert reused > len(vocabulary.encode(prompt, special=True).ids)  # the critique itself, too
    truth = greedy(model, ids, 1)
    assert details["tokens"][0]["id"] == truth.ids[0]
    best = truth.distributions[0].topk(5)
    assert [token["id"] for token in details["top_tokens"][0]] == best.indices.tolist()
    assert [token["logprob"] for token in details["top_tokens"][0]] == pytest.approx(
        best.values.tolist(), abs=TOLERANCE
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
async def test_every_kind_of_attention_survives_batching_and_reuse(
    name: str, tmp_path: Path, vocabulary: Vocabulary
) -> None:
    torch.manual_seed(0)
    original = AutoModelForCausalLM.from_config(ARCHITECTURES[name], dtype=torch.float32).eval()
    original.save_pretrained(tmp_path)
    random = np.random.default_rng(0)
    shared = random.integers(3, 300, 50).tolist()
    prompts = [random.integers(3, 300, length).tolist() for length in (1, 2, 60, 33, 90)]
    prompts += [shared[:20], [*shared, 7, 8, 9], shared[:40] + [5] * 30, shared, shared]
    scheduler = Scheduler(
        load_model(tmp_path, device="cpu", dtype="float32"),
        vocabulary,
        limits=Limits(rows=8, prefill_tokens=128, batch_tokens=4096, prefix_bytes=1 << 24),
        metrics=Metrics(),
    )
    scheduler.start()
    try:
        for _ in range(2):  # the second time, everything is in the prefix cache
            tickets = [Ticket(job=Job(prompt=prompt, max_new_tokens=5 + i)) for i, prompt in enumerate(prompts)]
            for ticket in tickets:
                scheduler.submit(ticket)
            for ticket in tickets:
                tokens = await ticket.result()
                truth = greedy(original, list(ticket.job.prompt), ticket.job.max_new_tokens)
                assert [token.id for token in tokens] == truth.ids
                assert [token.logprob for token in tokens] == pytest.approx(truth.logprobs, abs=TOLERANCE)
    finally:
        scheduler.stop()
