"""Rows as tests need them: hand-made ones, drawn ones, and the answers of judges whose figures are known."""

from dataclasses import replace

from hypothesis import strategies as st

from selfref.bench.agreement.rows import Known, Reading, Row

SWAPPED = {"A": "B", "B": "A"}


def row(
    verdict: str | None = "A",
    *,
    gold: str = "A",
    first: tuple[str, ...] = (),
    second: tuple[str, ...] = (),
    p: float | None = None,
    groups: dict[str, tuple[str, ...]] | None = None,
    longer: str = "tie",
) -> Row:
    """A pair with its readings with A shown `first`, and those with A shown `second`; a verdict of None has failed."""
    return Row(
        known=Known(gold=gold, groups=groups or {}, longer=longer),
        verdict=verdict,
        readings=(*(Reading("A", each) for each in first), *(Reading("B", each) for each in second)),
        probability_a=p,
        strength=None if p is None else abs(2 * p - 1),
        failure=None if verdict else "too_long",
    )


def swapped(one: Row) -> Row:
    """The same pair with its answers in each other's place, judged by the same judge."""
    return replace(
        one,
        known=replace(
            one.known,
            gold=SWAPPED.get(one.gold, one.gold),
            longer=SWAPPED.get(one.known.longer, one.known.longer),
        ),
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
leans = st.sampled_from(("A", "B", "tie"))
exact = st.integers(0, 64).map(lambda n: n / 64)  # 1 - p has no rounding error
judged = st.builds(
    row,
    st.sampled_from(("A", "B", "tie", "inconsistent")),
    gold=leans,
    first=st.lists(leans, min_size=1, max_size=3).map(tuple),
    second=st.lists(leans, min_size=1, max_size=3).map(tuple),
    p=st.none() | exact,
)
failed = st.builds(row, st.none(), gold=leans)
half_read = st.builds(
    row, st.none(), gold=leans, first=leans.map(lambda lean: (lean,)), second=st.just((None,))
)  # as a recorded judge leaves it
any_rows = st.lists(judged | failed | half_read, min_size=1, max_size=12)
