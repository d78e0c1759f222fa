"""`GET /stats` is what the label feed and the jobs' lists say, pair by pair, and nobody else's."""

from functools import reduce
from operator import add

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfref.bias import counts_of, principle_label
from selfref.messages import BiasCounts, BiasRates, FailureCode, Judgment, Preset, Stats, Verdict
from service.examples import STATS_ANSWER
from service.stats import stats_of
from tests.outcomes import failure_of, judgment_of
from tests.service.judges import judge_next

ASYNC = {"Prefer": "respond-async"}
BRIEF = "be brief"


async def submit(client, count: int, **more: str) -> list[str]:
    pair = {"prompt": "Which?", "answer_a": "this one", "answer_b": "that", **more}
    return [(await client.post("/judge", json=pair, headers=ASYNC)).json()["id"] for _ in range(count)]


async def stats(client) -> Stats:
    response = await client.get("/stats")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    return Stats.model_validate_json(response.content)


async def test_before_the_first_pair_there_is_nothing_to_divide_by(client):
    found = await stats(client)
    assert (found.counts, found.groups) == (BiasCounts(), ())
    assert set(found.rates.model_dump().values()) == {None}


async def test_pairs_are_told_by_model_preset_and_principle_with_its_text(client, store):
    await submit(client, 2)
    await submit(client, 1, principle=BRIEF, preset="direct")
    await judge_next(store, count=3)
    first, second = (await stats(client)).groups
    assert (first.model, first.preset, first.principle) == ("none", Preset.SELF_REFERENCE, "best for humanity")
    assert (first.counts.decided, first.principle_label) == (2, "default")
    assert (second.preset, second.principle, second.principle_label) == (Preset.DIRECT, BRIEF, principle_label(BRIEF))


async def test_two_gateways_say_the_same(client, other_client, store):
    await submit(client, 2)
    await submit(other_client, 2)
    await judge_next(store, count=4)
    assert await stats(client) == await stats(other_client)
    assert (await stats(client)).counts.decided == 4


async def test_what_is_asked_twice_is_counted_once(client, store):
    pair = {"prompt": "Which?", "answer_a": "this one", "answer_b": "that"}
    for _ in range(3):
        await client.post("/judge", json=pair, headers={**ASYNC, "Idempotency-Key": "once"})
    await judge_next(store)
    await client.post("/judge", json=pair, headers={"Idempotency-Key": "once"})
    assert (await stats(client)).counts.judged == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(st.tuples(st.sampled_from([*Verdict, None]), st.sampled_from([BRIEF, "be kind"])), max_size=8))
async def test_stats_are_the_sum_over_all_that_can_be_read(client, store, drawn):
    """In one growing database: what an example adds is what the states of its pairs amount to."""
    before = await stats(client)
    ids = []
    for verdict, principle in drawn:
        ids += await submit(client, 1, principle=principle)
        await judge_next(store, _as_told(verdict))
    states = [state.state for state in await store.judgments.states(ids)]
    asked = {label.id: label for label in (await store.labels.read("default", after=None, limit=10_000, wait=0)).labels}
    added = [_counted(state, asked.get(state.id)) for state in states]
    after = await stats(client)
    assert after.counts == reduce(add, added, before.counts)
    assert after.rates == BiasRates.of(after.counts)
    assert reduce(add, (group.counts for group in after.groups), BiasCounts()) == after.counts
    for principle in {principle for _, principle in drawn}:
        mine = [one for one, (_, asked_by) in zip(added, drawn, strict=True) if asked_by == principle]
        was, now = (_of(found, principle) for found in (before, after))
        assert now == reduce(add, mine, was)


def _as_told(verdict):
    if verdict is None:
        return lambda work: failure_of(work, FailureCode.TOO_LONG)
    return lambda work: judgment_of(work, verdict=verdict)


def _counted(state, label) -> BiasCounts:
    """One pair, by what can be read of it."""
    if not isinstance(state, Judgment):
        assert label is None
        return BiasCounts(failed=1)
    return counts_of(state, label)


def _of(found: Stats, principle: str) -> BiasCounts:
    """All that was judged by this principle."""
    return reduce(add, (group.counts for group in found.groups if group.principle == principle), BiasCounts())


def test_what_has_no_place_of_its_own_has_no_name():
    (group,) = stats_of({None: BiasCounts(failed=2)}).groups
    assert (group.model, group.preset, group.principle, group.principle_label) == (None, None, None, None)
    assert group.rates.unjudged == 1.0


@pytest.mark.parametrize("part", [STATS_ANSWER, *STATS_ANSWER["groups"]])
def test_the_example_adds_up(part):
    counts = BiasCounts.model_validate(part["counts"])
    assert counts.judged == counts.decided + counts.tie + counts.inconsistent
    assert counts.readings == 2 * counts.judged
