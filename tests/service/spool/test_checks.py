"""Hidden checks: as many as were asked for and no more than help, spread over the job, a repeat after its pair."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.spool.checks import MOST_OF_A_KIND, Draw
from service.spool.records import Kind, Record

JOB = "job-" + "0" * 24


def drawn(pairs: int, *, share: float, most_pairs: int | None = None, job_id: str = JOB) -> list[Record]:
    """The records of a job of so many pairs, as a validator makes them."""
    draw = Draw(job_id, share=share, most_pairs=most_pairs or pairs)
    records: list[Record] = []
    for _ in range(pairs):
        records.extend(draw.due(len(records)))
        kind = draw.kind_of_next()
        number = len(records)
        records.append(Record(0, 0, 1, Kind.PAIR, repeated=kind is Kind.REPEAT))
        if kind is not None:
            draw.put_off(Record(0, 0, 1, kind, of=number))
    return [*records, *draw.rest()]


def of_kind(records: list[Record], kind: Kind) -> list[int]:
    return [number for number, record in enumerate(records) if record.kind is kind]


@given(st.integers(1, 400), st.floats(0.001, 0.2), st.integers(0, 200))
def test_every_check_is_of_an_earlier_pair_and_every_pair_that_says_so_is_repeated(
    pairs: int, share: float, more: int
) -> None:
    records = drawn(pairs, share=share, most_pairs=pairs + more)
    assert len(of_kind(records, Kind.PAIR)) == pairs
    for number, record in enumerate(records):
        if record.kind is not Kind.PAIR:
            assert record.of < number
            assert records[record.of].kind is Kind.PAIR
    repeated = [number for number, record in enumerate(records) if record.repeated]
    assert sorted(record.of for record in records if record.kind is Kind.REPEAT) == repeated
    assert len(records) - pairs <= pairs * share + 1


@pytest.mark.parametrize(("pairs", "share", "expected"), [(1000, 0.1, 50), (50_000, 0.01, 250), (200_000, 0.2, 500)])
def test_half_of_the_share_is_of_each_kind_up_to_what_helps(pairs: int, share: float, expected: int) -> None:
    records = drawn(pairs, share=share)
    for kind in (Kind.SAME_ANSWERS, Kind.REPEAT):
        assert len(of_kind(records, kind)) == pytest.approx(expected, rel=0.02, abs=1)
        assert len(of_kind(records, kind)) <= MOST_OF_A_KIND


@pytest.mark.parametrize("pairs", [400, 100_000])
def test_checks_lie_all_over_the_job(pairs: int) -> None:
    records = drawn(pairs, share=0.05)
    checked = [record.kind is not Kind.PAIR for record in records]
    fifth = len(records) // 5
    shares = [sum(checked[start : start + fifth]) / sum(checked) for start in range(0, 5 * fifth, fifth)]
    assert min(shares) >= 0.05
    assert max(shares) <= 0.4


def test_a_check_is_far_from_its_pair() -> None:
    records = drawn(20_000, share=0.01)
    distances = [number - record.of for number, record in enumerate(records) if record.kind is not Kind.PAIR]
    assert sorted(distances)[len(distances) // 2] > 300
    assert max(distances) < 1100


def test_the_same_job_has_the_same_checks_and_another_has_others() -> None:
    assert drawn(500, share=0.1) == drawn(500, share=0.1)
    assert drawn(500, share=0.1) != drawn(500, share=0.1, job_id="job-" + "1" * 24)


def test_a_job_that_asks_for_none_has_none() -> None:
    assert len(drawn(500, share=0.0)) == 500
