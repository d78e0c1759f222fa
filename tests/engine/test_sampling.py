"""Choosing tokens: ties, warpers, penalties, and seeds that no neighbour disturbs."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.request import Sampling
from engine.sampling import TokenChooser, choose, top_tokens
from tests.engine.serving import Served

CPU = torch.device("cpu")


def test_all_that_tie_with_the_last_are_given() -> None:
    logprobs = torch.tensor([[0.5, 0.1, 0.1, 0.1, 0.05], [0.4, 0.3, 0.2, 0.1, 0.0]])
    ties, plain = top_tokens(logprobs, [2, 2])
    assert [token for token, _ in ties] == [0, 1, 2, 3]
    assert [token for token, _ in plain] == [0, 1]
    assert top_tokens(logprobs, [0, 0]) == [(), ()]


def test_impossible_tokens_are_never_given() -> None:
    nothing = float("-inf")
    [top] = top_tokens(torch.tensor([[nothing, -0.1, nothing, -2.0]]), [3])
    assert [token for token, _ in top] == [1, 3]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(-4, 0), min_size=6, max_size=6), min_size=1, max_size=4),
    st.lists(st.integers(0, 8), min_size=4, max_size=4),
)
def test_top_tokens_are_what_sorting_would_give(rows: list[list[int]], wanted: list[int]) -> None:
    found = top_tokens(torch.tensor(rows, dtype=torch.float32), wanted[: len(rows)])
    for row, count, top in zip(rows, wanted, found, strict=False):
        threshold = sorted(row, reverse=True)[min(count, len(row)) - 1] if count else 1
        assert {token for token, _ in top} == {place for place, value in enumerate(row) if value >= threshold}
        assert [value for _, value in top] == sorted((value for _, value in top), reverse=True)


def test_logprobs_are_those_after_the_warpers() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    for sampling, scores in (
        (Sampling(), logits[0]),
        (Sampling(sampled=True, temperature=0.5), logits[0] / 0.5),
        (Sampling(sampled=True, top_k=2), logits[0].masked_fill(torch.tensor([0, 0, 1, 1]).bool(), float("-inf"))),
        (Sampling(repetition_penalty=2.0), torch.tensor([1.0, 1.0, 0.0, -2.0])),
        (Sampling(frequency_penalty=1.0), logits[0] - torch.tensor([2 / 3, 0.0, 0.0, 1 / 3])),
    ):
        chooser = TokenChooser(sampling, grammar=None, device=CPU)
        [chosen] = choose(logits.clone(), [chooser], histories=[[0, 3, 0]], top_n=[1])
        expected = torch.log_softmax(scores, dim=-1)
        assert chosen.logprob == pytest.approx(float(expected[chosen.id]), abs=1e-6)


def test_draws_follow_the_distribution() -> None:
    probabilities = torch.tensor([0.6, 0.3, 0.1])
    chooser = TokenChooser(Sampling(sampled=True, seed=1), grammar=None, device=CPU)
    drawn = torch.bincount(torch.tensor([chooser.draw(probabilities.log()) for _ in range(4000)]), minlength=3)
    assert (drawn / 4000).tolist() == pytest.approx([0.6, 0.3, 0.1], abs=0.04)  # more than five standard errors


def test_a_seed_gives_the_same_text_in_any_company(engine: Served) -> None:
    def text(seed: int, **options: Any) -> str:
        found: str = engine.generate("Hello", max_new_tokens=24, do_sample=True, seed=seed, **options)["generated_text"]
        return found

    alone = {seed: text(seed, temperature=0.9, top_p=0.9) for seed in range(3)}
    assert len(set(alone.values())) == 3
    with ThreadPoolExecutor(12) as pool:
        company = [pool.submit(text, seed, top_k=7) for seed in range(6)]
        again = {seed: pool.submit(text, seed, temperature=0.9, top_p=0.9) for seed in range(3)}
    assert {seed: each.result() for seed, each in again.items()} == alone
    assert all(each.result() for each in company)


def test_sampling_reports_its_seed_and_neutral_warpers_do_not_switch_it_on(engine: Served) -> None:
    assert engine.generate("x", max_new_tokens=1, do_sample=True, seed=7)["details"]["seed"] == 7
    assert engine.generate("x", max_new_tokens=1, temperature=0.5, seed=2**64 - 1)["details"]["seed"] == 2**64 - 1
    assert engine.generate("x", max_new_tokens=1, temperature=1.0, seed=7)["details"]["seed"] is None


def test_penalties_and_typical_sampling_reach_the_model(engine: Served) -> None:
    plain = engine.generate("Hello", max_new_tokens=30)["generated_text"]
    for penalty in ({"repetition_penalty": 3.0}, {"frequency_penalty": 2.0}):
        details = engine.generate("Hello", max_new_tokens=30, **penalty)
        assert details["details"]["seed"] is None
        assert "repetition_penalty" not in penalty or details["generated_text"] != plain
    typical = engine.generate("Hello", max_new_tokens=5, typical_p=0.2, seed=3)["details"]
    assert typical["seed"] == 3
