"""Rows as tests need them: hand-made ones, drawn ones, and the answers of judges whose figures are known."""

from dataclasses import replace

from hypothesis import strategies as st

from selfref.bench.agreement.rows import Reading, Row

SWAPPED = {"A": "B", "B": "A"}


def row(
    verdict: str | None = "A",
    *,
    gold: str = "A",
    first: tuple[str, ...] = (),
    second: tuple[str, ...] = (),
    p: float | None = None,
    family: str = "sums",
    principle: str = "be correct",
    criterion: str = "right",
) -> Row:
    """A pair with its readings with A shown `first`, and those with A shown `second`; a verdict of None has failed."""
    return Row(
        family=family,
        principle=principle,
        criterion=criterion,
        gold=gold,
        verdict=verdict,
        readings=(*(Reading("A", each) for each in first), *(Reading("B", each) for each in second)),
        probability_a=p,
        failure=None if verdict else "too_long",
    )


def swapped(one: Row) -> Row:
    """The same pair with its answers in each other's place, judged by the same judge."""
    return replace(
        one,
        gold=SWAPPED[one.gold],
        verdict=SWAPPED.get(one.verdict, one.verdict),
        readings=tuple(Reading(SWAPPED[each.first], SWAPPED.get(each.verdict, each.verdict)) for each in one.readings),
        probability_a=None if one.probability_a is None else 1 - one.probability_a,
    )


def perfect(gold: str, *, sure: float) -> Row:
    """A judge that always prefers the gold answer, with this probability, above a half."""
    return row(gold, gold=gold, first=(gold,), second=(gold,), p=sure if gold == "A" else 1 - sure)


def position_only(gold: str) -> Row:
    """A judge that always prefers what is shown first."""
    return row("inconsistent", gold=gold, first=("A",), second=("B",), p=0.5)


letters = st.sampled_from("AB")
exact = st.integers(0, 64).map(lambda n: n / 64)  # 1 - p has no rounding error
judged = st.builds(
    row,
    st.sampled_from(("A", "B", "tie", "inconsistent")),
    gold=letters,
    first=st.lists(st.sampled_from(("A", "B", "tie")), min_size=1, max_size=3).map(tuple),
    second=st.lists(st.sampled_from(("A", "B", "tie")), min_size=1, max_size=3).map(tuple),
    p=st.none() | exact,
)
failed = st.builds(row, st.none(), gold=letters)
any_rows = st.lists(judged | failed, min_size=1, max_size=12)
