"""Every pass over the prompts takes each once, whatever the size of a batch."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from trainer.ppo.order import prompts_of_update, seed_of_update


@given(batch=st.integers(1, 12), prompts=st.integers(1, 12), seed=st.integers(0, 9))
def test_each_pass_takes_every_prompt_once(batch: int, prompts: int, seed: int) -> None:
    taken = [
        index
        for update in range(1, prompts + 1)
        for index in prompts_of_update(update, batch=batch, prompts=prompts, seed=seed)
    ]
    assert len(taken) == batch * prompts
    for first in range(0, len(taken), prompts):
        assert sorted(taken[first : first + prompts]) == list(range(prompts))


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        tuple(prompts_of_update(update, batch=20, prompts=20, seed=seed)) for update in (1, 2, 3) for seed in (1, 2)
    }
    assert len(orders) == 6


def test_no_update_draws_as_another() -> None:
    drawn = Counter(seed_of_update(update, seed=seed) for update in range(1, 100) for seed in range(5))
    assert max(drawn.values()) == 1
