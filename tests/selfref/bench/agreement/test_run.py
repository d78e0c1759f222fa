"""What is asked of the service in each arm, and what becomes of what it answers."""

import asyncio
from collections import Counter
from itertools import islice

import pytest

from littleworld.world.pairs import decided_pairs
from littleworld.world.question import Split
from selfref.bench.agreement.rows import Reading, failed, judged
from selfref.bench.agreement.run import Arm, ask_all, how, pairs_of
from selfref.client import JudgmentFailed, StillWaiting, Unreachable
from selfref.client.conversations import request_of
from selfref.client.errors import Problem
from selfref.messages import Judgment, Lane, Preset, Verdict, Work, now
from tests.outcomes import judgment_of

PAIRS = pairs_of(Split.HELD_OUT, count=30, seed=5)


def judgment(request, verdict: str) -> Judgment:
    """Both orders agree on this verdict."""
    work = Work(
        id="1",
        tenant="t",
        lane=Lane.INTERACTIVE,
        comparison=request.comparison(),
        preset=request.effective_preset(),
        created_at=now(),
    )
    made = judgment_of(work, verdict=Verdict(verdict))
    orders = tuple(each.model_copy(update={"verdict": verdict}) for each in made.orders)
    return made.model_copy(update={"orders": orders, "probability_a": 0.9 if verdict == "A" else 0.1})


class GoldJudge:
    """A service that knows every pair and prefers the gold answer, or raises what it is given."""

    def __init__(self, pairs, *, raising=None):
        self._gold = {(pair.question.text, pair.a.text, pair.b.text): pair.decision.preference for pair in pairs}
        self._raising = raising
        self.asked = []
        self.open = self.most_open = 0

    async def judge(self, prompt, answer_a, answer_b, *, timeout, **options):
        request = request_of(prompt, answer_a, answer_b, options)
        self.asked.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        if self._raising is not None:
            raise self._raising
        return judgment(request, self._gold[prompt, answer_a, answer_b])


async def test_every_pair_is_asked_once_in_every_arm_and_answers_stay_in_order():
    service, seen = GoldJudge(PAIRS), []
    arms = [Arm.SELF_REFERENCE, Arm.DIRECT]
    found = await ask_all(service, PAIRS, arms, at_once=7, done=lambda: seen.append(1))
    assert list(found) == arms
    for arm in arms:
        rows = [each.row for each in found[arm]]
        assert [each.family for each in rows] == [pair.question.family for pair in PAIRS]
        assert all(each.verdict == each.gold for each in rows)
        assert all(each.provenance is not None for each in found[arm])
    assert len(service.asked) == len(seen) == 2 * len(PAIRS)
    assert service.most_open == 7
    assert Counter(each.preset for each in service.asked) == {Preset.SELF_REFERENCE: 30, Preset.DIRECT: 30}
    assert {each.principle for each in service.asked} == {pair.principle for pair in PAIRS}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JudgmentFailed(Problem(status=502, code="too_long")), "too_long"),
        (StillWaiting("1", 3600), "still_waiting"),
    ],
)
async def test_a_pair_without_a_judgment_is_a_failed_row(error, code):
    found = await ask_all(GoldJudge(PAIRS, raising=error), PAIRS, [Arm.DIRECT], at_once=64, done=lambda: None)
    assert [(each.row.verdict, each.row.failure) for each in found[Arm.DIRECT]] == [(None, code)] * 30


class Vanishing:
    """A service that leaves its first callers waiting, and refuses the one after them."""

    def __init__(self, *, waiting):
        self.waiting = self._patience = waiting
        self.asked = 0

    async def judge(self, *_, **__):
        self.asked += 1
        if self.asked > self._patience:
            raise Unreachable("http://nowhere", "refused")
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1


async def test_a_service_that_is_away_ends_the_run_for_every_caller():
    service = Vanishing(waiting=2)
    with pytest.raises(Unreachable):
        await ask_all(service, PAIRS, list(Arm), at_once=3, done=lambda: None)
    await asyncio.sleep(0)  # callers learn that they are canceled
    assert (service.asked, service.waiting) == (3, 0)


@pytest.mark.parametrize("arm", Arm)
def test_each_arm_asks_with_its_preset_and_reference(arm):
    pair = PAIRS[0]
    request = request_of(pair.question.text, pair.a.text, pair.b.text, how(arm, pair))
    assert request.principle == pair.principle
    assert (request.preset, request.reference) == {
        Arm.DIRECT: (Preset.DIRECT, None),
        Arm.SELF_REFERENCE: (Preset.SELF_REFERENCE, None),
        Arm.REFERENCE: (Preset.REFERENCE, pair.right_reference),
        Arm.WRONG_REFERENCE: (Preset.REFERENCE, pair.wrong_reference),
        Arm.PAPER: (Preset.PAPER, None),
    }[arm]


@pytest.mark.parametrize("world", Split)
def test_pairs_are_decided_and_of_the_world_asked_for(world):
    drawn = pairs_of(world, count=40, seed=1)
    assert drawn == list(islice(decided_pairs(1, world), 40))
    assert {pair.question.split for pair in drawn} == {world}
    assert {pair.decision.preference for pair in drawn} == {"A", "B"}


def test_a_row_keeps_what_is_known_of_the_pair_and_what_was_read():
    pair = next(pair for pair in PAIRS if pair.decision.preference == "B")
    request = request_of(pair.question.text, pair.a.text, pair.b.text, how(Arm.DIRECT, pair))
    one = judged(pair, judgment(request, "A"))
    assert (one.family, one.principle, one.gold) == (pair.question.family, pair.principle, "B")
    assert one.criterion == pair.decision.criterion
    assert (one.verdict, one.probability_a, one.failure) == ("A", 0.9, None)
    assert one.readings == (Reading("A", "A"), Reading("B", "A"))
    lost = failed(pair, "too_long")
    assert (lost.verdict, lost.readings, lost.probability_a, lost.failure) == (None, (), None, "too_long")
    assert (lost.family, lost.gold) == (one.family, one.gold)
