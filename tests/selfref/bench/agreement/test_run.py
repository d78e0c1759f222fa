"""What is asked of the service in each arm, and what becomes of what it answers."""

import asyncio
from collections import Counter

import pytest

from littleworld.world.question import Split
from selfref.bench.agreement.ledger import Ledger
from selfref.bench.agreement.rows import Known, Reading, failed, judged
from selfref.bench.agreement.run import ask_all
from selfref.bench.agreement.sets import world_set
from selfref.bench.agreement.world import Arm
from selfref.client import JudgmentFailed, RequestRefused, StillWaiting, Unavailable, Unreachable
from selfref.client.conversations import request_of
from selfref.client.errors import Problem
from selfref.messages import Judgment, Lane, Preset, Reference, Verdict, Work, now
from tests.outcomes import judgment_of

CASES = world_set(Split.HELD_OUT, pairs=30, seed=5).cases


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

    def __init__(self, cases, *, raising=None):
        self._gold = {(case.prompt, case.answer_a, case.answer_b): case.known.gold for case in cases}
        self._raising = raising
        self.asked, self.keys = [], []
        self.open = self.most_open = 0

    async def judge(self, prompt, answer_a, answer_b, *, timeout, idempotency_key, **options):
        request = request_of(prompt, answer_a, answer_b, options)
        self.asked.append(request)
        self.keys.append(idempotency_key)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        if self._raising is not None:
            raise self._raising
        return judgment(request, self._gold[prompt, answer_a, answer_b])


async def asked(service, arms, *, at_once=64, ledger=None, done=lambda: None):
    return await ask_all(service, CASES, arms, ledger=ledger or Ledger.in_memory(), at_once=at_once, done=done)


async def test_every_pair_is_asked_once_in_every_arm_and_answers_stay_in_order():
    service, seen = GoldJudge(CASES), []
    arms = [Arm.SELF_REFERENCE, Arm.DIRECT]
    found = await asked(service, arms, at_once=7, done=lambda: seen.append(1))
    assert list(found) == arms
    for arm in arms:
        assert [each.row.known for each in found[arm]] == [case.known for case in CASES]
        assert all(each.row.verdict == each.row.gold for each in found[arm])
        assert all(each.judgment is not None for each in found[arm])
    assert len(service.asked) == len(set(service.keys)) == len(seen) == 2 * len(CASES)
    assert service.most_open == 7
    assert Counter(each.preset for each in service.asked) == {Preset.SELF_REFERENCE: 30, Preset.DIRECT: 30}
    assert {each.principle for each in service.asked} == {case.hows[Arm.DIRECT]["principle"] for case in CASES}


async def test_what_the_ledger_knows_is_not_asked_again_and_counts_as_it_did():
    service, ledger = GoldJudge(CASES), Ledger.in_memory()
    first = await asked(service, [Arm.DIRECT], ledger=ledger)
    again = await asked(service, [Arm.DIRECT, Arm.PAPER], ledger=ledger)
    assert again[Arm.DIRECT] == first[Arm.DIRECT]
    assert Counter(each.preset for each in service.asked) == {Preset.DIRECT: 30, Preset.PAPER: 30}


async def test_a_failed_judgment_is_not_paid_for_twice_either():
    service, ledger = GoldJudge(CASES, raising=JudgmentFailed(Problem(status=502, code="engine_failed"))), Ledger("run")
    await asked(service, [Arm.DIRECT], ledger=ledger)
    again = await asked(GoldJudge(CASES), [Arm.DIRECT], ledger=ledger)
    assert {each.row.failure for each in again[Arm.DIRECT]} == {"engine_failed"}


@pytest.mark.parametrize(
    "passing", [StillWaiting("1", 3600), RequestRefused(Problem(status=422, code="template_markers"))]
)
async def test_what_cost_nothing_or_has_not_ended_is_asked_again_under_the_same_key(passing):
    refusing, service, ledger = GoldJudge(CASES, raising=passing), GoldJudge(CASES), Ledger("run")
    await asked(refusing, [Arm.DIRECT], ledger=ledger)
    again = await asked(service, [Arm.DIRECT], ledger=ledger)
    assert all(each.row.verdict == each.row.gold for each in again[Arm.DIRECT])
    assert service.keys == refusing.keys


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JudgmentFailed(Problem(status=502, code="too_long")), "too_long"),
        (RequestRefused(Problem(status=422, code="template_markers")), "template_markers"),
        (StillWaiting("1", 3600), "still_waiting"),
    ],
)
async def test_a_pair_without_a_judgment_is_a_failed_row(error, code):
    found = await asked(GoldJudge(CASES, raising=error), [Arm.DIRECT])
    assert [(each.row.verdict, each.row.failure) for each in found[Arm.DIRECT]] == [(None, code)] * 30


class HeldByTheDead(GoldJudge):
    """A service that was killed with its callers, and holds their keys for a while: it names the judgment instead."""

    def __init__(self, cases):
        super().__init__(cases)
        self._made = {}

    async def judge(self, *texts, idempotency_key, **options):
        self._made[idempotency_key] = await super().judge(*texts, idempotency_key=idempotency_key, **options)
        raise Unavailable(Problem(status=409, code="request_in_progress", retryable=True, judgment_id=idempotency_key))

    async def wait_for(self, judgment_id, *, timeout):
        return self._made.pop(judgment_id)


async def test_a_pair_whose_key_is_held_is_waited_for_by_its_judgment():
    found = await asked(HeldByTheDead(CASES), [Arm.DIRECT])
    assert all(each.row.verdict == each.row.gold for each in found[Arm.DIRECT])


async def test_a_service_that_cannot_take_requests_ends_the_run():
    with pytest.raises(Unavailable):
        await asked(GoldJudge(CASES, raising=Unavailable(Problem(status=429, code="queue_full"))), [Arm.DIRECT])


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
        await asked(service, list(Arm), at_once=3)
    await asyncio.sleep(0)  # callers learn that they are canceled
    assert (service.asked, service.waiting) == (3, 0)


def test_a_row_keeps_what_is_known_of_the_pair_and_what_was_read():
    known = Known(gold="B", groups={"meta.kind": ("x",)}, longer="A")
    request = request_of("Hi", "Hello!", "No.", {"preset": Preset.DIRECT})
    one = judged(known, judgment(request, "A"))
    assert (one.known, one.gold) == (known, "B")
    assert (one.verdict, one.probability_a, one.strength, one.failure) == ("A", 0.9, 0.8, None)
    assert one.readings == (Reading("A", "A"), Reading("B", "A"))
    assert (one.spent.calls, one.spent.prompt_tokens, one.spent.completion_tokens) == (5, 1210, 402)
    assert one.references_found == 0
    found = judgment(request, "A").model_copy(update={"reference": Reference(text="Hi", source="model", cached=True)})
    assert judged(known, found).references_found == 1
    lost = failed(known, "too_long")
    assert (lost.verdict, lost.readings, lost.probability_a, lost.failure) == (None, (), None, "too_long")
    assert lost.known == known
