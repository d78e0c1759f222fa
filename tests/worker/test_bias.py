"""Judges whose bias is known, through the real method and the real store: every count comes out as it must, twice."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from selfref.bias import Judging, principle_label
from selfref.messages import BiasCounts, Check, Comparison, Judgment, Lane, Preset, Verdict, Work, now
from selfref.store import Store
from tests.outcomes import failure_of, judgment_of
from tests.selfref.store.views import whole
from tests.worker.judging import TENANT, until_ended
from tests.worker.minds import Mind, always_first, at_random, longer, undecided
from tests.worker.test_loop import MODEL, TERMS, Switch, make_loop, running
from tests.worker.thinking_engine import RememberedReferences, ThinkingEngine
from worker import metrics
from worker.attempt import Attempts
from worker.bias import MOST_PRINCIPLES, OTHER, BiasCounter
from worker.circuit import Circuit
from worker.endings import Failed, Judged
from worker.errors import EngineRejected
from worker.method import judge
from worker.method_settings import MethodSettings

TIE_WIDTH = 0.1
SHORT, LONG = "brief", "an answer of many more words"
Asked = Callable[[Work], Any]


def pair(name: str, a: str, b: str, *, principle: str, preset: Preset = Preset.SELF_REFERENCE, **more: Any) -> Work:
    return Work(
        id=name,
        tenant=TENANT,
        lane=Lane.INTERACTIVE,
        comparison=Comparison(prompt=f"question {name}", answer_a=a, answer_b=b, principle=principle),
        preset=preset,
        created_at=now(),
        **more,
    )


async def judged_by(store: Store, mind: Mind, pairs: list[Work], **engine: Any) -> BiasCounts:
    """What Redis has counted once this mind has judged the pairs in a worker's loop."""
    thinking, references, settings = ThinkingEngine(mind, **engine), RememberedReferences(), MethodSettings()

    async def judging(work: Work) -> Judgment:
        return await judge(work, engine=thinking, references=references, settings=settings)

    for each in pairs:
        await store.judgments.accept(each, fingerprint=each.id, queue_limit=100_000)
    async with running(make_loop(store, judging)):  # type: ignore[arg-type]
        await until_ended(store, len(pairs))
    (kind, counts), *others = (await store.tallies.read(TENANT)).items()
    assert kind == Judging.by("mind", pairs[0].preset, pairs[0].comparison.principle)
    assert others == []
    return counts


def exported(principle: str, *, model: str = "mind", preset: Preset = Preset.SELF_REFERENCE) -> BiasCounts:
    """The same counts as Prometheus would read them of this process, by a principle that no other test has."""
    labels = {"model": model, "preset": preset.value, "principle": principle_label(principle)}

    def value(name: str, **more: str) -> int:
        return round(REGISTRY.get_sample_value(name, {**labels, **more}) or 0)

    nats = REGISTRY.get_sample_value("worker_position_bias_nats_sum", labels) or 0.0
    return BiasCounts(
        **{outcome: value("worker_pairs_total", outcome=outcome) for outcome in metrics.OUTCOMES},
        flips=value("worker_flips_total"),
        **{f"chose_{slot}": value("worker_readings_total", chose=slot) for slot in metrics.SLOTS},
        **{f"{winner}_won": value("worker_length_wins_total", winner=winner) for winner in metrics.WINNERS},
        measured=value("worker_position_bias_nats_count"),
        position_bias_micronats=round(nats * 1_000_000),
    )


async def test_a_judge_that_sees_only_position(store: Store) -> None:
    pairs = [pair(f"p{n}", SHORT, LONG, principle="only position") for n in range(7)]
    counts = await judged_by(store, always_first, pairs)
    assert counts == BiasCounts(
        inconsistent=7, flips=7, chose_first=14, measured=7, position_bias_micronats=7 * 3_000_000
    )
    assert exported("only position") == counts


async def test_a_judge_that_sees_only_length(store: Store) -> None:
    answers = [(SHORT, LONG)] * 3 + [(LONG, SHORT)] * 2 + [("one", "two")]
    pairs = [pair(f"p{n}", a, b, principle="only length") for n, (a, b) in enumerate(answers)]
    counts = await judged_by(store, longer, pairs)
    assert counts == BiasCounts(
        decided=5, tie=1, chose_first=5, chose_second=5, chose_neither=2, longer_won=5, measured=6
    )
    assert exported("only length") == counts


async def test_a_judge_that_prefers_the_shorter(store: Store) -> None:
    pairs = [pair(f"p{n}", SHORT, LONG, principle="brevity") for n in range(3)]
    counts = await judged_by(store, lambda first, second: -longer(first, second), pairs)
    assert (counts.longer_won, counts.shorter_won) == (0, 3)
    assert exported("brevity") == counts


async def test_a_judge_at_random(store: Store) -> None:
    """Against the definitions, worked out here from what the judge says of each order."""
    answers = [(f"answer {n}", f"another answer {n * n}") for n in range(60)]
    expected: Counter[str] = Counter()
    for a, b in answers:
        a_first, b_first = at_random(a, b), at_random(b, a)
        for odds in (a_first, b_first):
            slot = "neither" if abs(odds) <= TIE_WIDTH else "first" if odds > 0 else "second"
            expected[f"chose_{slot}"] += 1
        flip = min(abs(a_first), abs(b_first)) > TIE_WIDTH and a_first * b_first > 0
        mean = (a_first - b_first) / 2
        verdict = "inconsistent" if flip else "tie" if abs(mean) <= TIE_WIDTH else "decided"
        expected[verdict] += 1
        expected["flips"] += flip
        if verdict == "decided":
            expected["longer_won" if (len(a) > len(b)) == (mean > 0) else "shorter_won"] += 1
        expected["measured"] += 1
        expected["position_bias_micronats"] += round(abs(a_first + b_first) / 2 * 1_000_000)
    counts = await judged_by(
        store, at_random, [pair(f"p{n}", *each, principle="dice") for n, each in enumerate(answers)]
    )
    nats = counts.position_bias_micronats - expected.pop("position_bias_micronats")
    assert counts == BiasCounts(**expected, position_bias_micronats=counts.position_bias_micronats)
    assert abs(nats) <= len(answers)  # rounding of the last digit, since log-probabilities pass through logarithms
    assert counts.flips > 5
    assert counts.decided > 5
    assert exported("dice") == counts


async def test_identical_answers_distort_nothing(store: Store) -> None:
    pairs = [pair(f"p{n}", SHORT, SHORT, principle="the same") for n in range(4)] + [
        pair("q", SHORT, LONG, principle="the same")
    ]
    counts = await judged_by(store, always_first, pairs)
    assert counts == BiasCounts(
        inconsistent=1, identical=4, flips=1, chose_first=2, measured=1, position_bias_micronats=3_000_000
    )
    assert exported("the same") == counts


async def test_a_majority_may_decide_what_the_orders_contradict(store: Store) -> None:
    pairs = [pair(f"p{n}", SHORT, LONG, principle="four rounds", preset=Preset.PAPER) for n in range(2)]
    counts = await judged_by(store, always_first, pairs)
    assert (counts.tie, counts.flips, counts.chose_first) == (2, 2, 8)
    assert exported("four rounds", preset=Preset.PAPER) == counts


async def test_an_engine_without_log_probabilities_has_no_position_bias_in_nats(store: Store) -> None:
    pairs = [pair(f"p{n}", SHORT, LONG, principle="by choice") for n in range(2)]
    counts = await judged_by(store, always_first, pairs, method="constrained-choice")
    assert counts == BiasCounts(inconsistent=2, flips=2, chose_first=4)
    assert exported("by choice") == counts


async def test_a_failure_is_counted_as_one_and_never_as_a_tie(store: Store) -> None:
    async def failing(work: Work) -> Judgment:
        raise EngineRejected("422")

    await store.judgments.accept(pair("p", SHORT, LONG, principle="fails"), fingerprint="p", queue_limit=9)
    async with running(make_loop(store, failing)):  # type: ignore[arg-type]
        await until_ended(store, 1)
    assert await store.tallies.read(TENANT) == {Judging.by(MODEL, Preset.SELF_REFERENCE, "fails"): BiasCounts(failed=1)}
    assert exported("fails", model=MODEL) == BiasCounts(failed=1)


@pytest.mark.parametrize("ending", [lambda work: Judged(judgment_of(work)), lambda work: Failed(failure_of(work))])
async def test_a_superseded_result_is_counted_nowhere(store: Store, ending: Asked) -> None:
    principle = f"superseded {ending}"
    await store.judgments.accept(pair("p", SHORT, LONG, principle=principle), fingerprint="p", queue_limit=9)
    (claim,) = await store.work.claim("late", count=1, wait=0)
    (taken,) = await store.work.reclaim("first", lease=0.0, count=1)
    attempts = Attempts(store=store, judge=judging_nothing, model="none", circuit=Circuit(Switch()), terms=TERMS)
    await attempts.settle(taken, Judged(judgment_of(taken.work)))
    stored, counts = await whole(store, TENANT), exported(principle, model="none")
    failures = REGISTRY.get_sample_value("worker_failures_total", {"code": "engine_failed"})
    assert stored == counts
    assert stored.judged == 1
    await attempts.settle(claim, ending(claim.work))
    assert await whole(store, TENANT) == stored
    assert exported(principle, model="none") == counts
    assert REGISTRY.get_sample_value("worker_failures_total", {"code": "engine_failed"}) == failures


async def judging_nothing(work: Work) -> Judgment:
    raise AssertionError("only settles")


def series_of(model: str) -> Counter[str]:
    """Pairs counted for this model, by the principle's label."""
    found: Counter[str] = Counter()
    for sample in (sample for family in metrics.PAIRS.collect() for sample in family.samples):
        if sample.labels["model"] == model and sample.name == "worker_pairs_total":
            found[sample.labels["principle"]] += round(sample.value)
    return found


def test_ten_thousand_principles_make_a_bounded_number_of_series() -> None:
    counter, model = BiasCounter(), "cardinality"
    for number in range(10_000):
        work = pair(f"p{number}", SHORT, LONG, principle=f"principle {number}")
        judgment = judgment_of(work)
        provenance = judgment.provenance.model_copy(update={"model": model})
        counter.judged(work, judgment.model_copy(update={"provenance": provenance}))
    found = series_of(model)
    assert len(found) == MOST_PRINCIPLES + 1
    assert found.total() == 10_000
    assert found[OTHER] == 10_000 - MOST_PRINCIPLES
    assert found[principle_label("principle 0")] == 1
    for metric in (metrics.FLIPS, metrics.READINGS, metrics.LENGTH_WINS, metrics.POSITION_BIAS_NATS):
        labels = {s.labels["principle"] for f in metric.collect() for s in f.samples if s.labels["model"] == model}
        assert labels == set(found)


def test_no_text_of_a_pair_is_in_a_label() -> None:
    work = pair("p", "the first secret", "the second secret", principle="a principle told in secret")
    BiasCounter().judged(work, judgment_of(work))
    BiasCounter().failed(work, model="none")
    told = {value for family in REGISTRY.collect() for sample in family.samples for value in sample.labels.values()}
    assert not [value for value in told if "secret" in value]


@pytest.mark.parametrize(
    ("kind", "better", "verdict", "result"),
    [
        ("gold", "A", Verdict.A, "right"),
        ("gold", "B", Verdict.A, "wrong"),
        ("gold", "B", Verdict.INCONSISTENT, "wrong"),
        ("aa", None, Verdict.TIE, "right"),
        ("aa", None, Verdict.B, "wrong"),
        ("repeat", None, Verdict.A, None),
    ],
)
def test_a_check_is_counted_as_a_check_only(kind: str, better: str, verdict: Verdict, result: str | None) -> None:
    def checks() -> dict[str, float]:
        samples = (sample for family in metrics.CHECKS.collect() for sample in family.samples)
        return {s.labels["result"]: s.value for s in samples if s.labels["kind"] == kind and s.name.endswith("_total")}

    check = Check.model_validate({"kind": kind, "better": better})
    work = pair("p", SHORT, LONG, principle="a check", check=check)
    before = Counter(checks())
    BiasCounter().judged(work, judgment_of(work, verdict=verdict))
    assert Counter(checks()) - before == Counter({result: 1} if result else {})
    BiasCounter().failed(work, model="none")
    assert Counter(checks())["failed"] == before["failed"] + 1
    assert exported("a check", model="none") == BiasCounts()


async def test_undecided_is_half_a_first_slot(store: Store) -> None:
    counts = await judged_by(store, undecided, [pair("p", SHORT, LONG, principle="no opinion")])
    assert (counts.tie, counts.chose_neither, counts.readings) == (1, 2, 2)
