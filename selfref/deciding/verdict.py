"""From readings in both orders to one verdict; no I/O, so every rule is a row in a test.

Everything is in terms of the caller's own A and B: whoever calls has already turned the readings of the swapped order.
Exchanging the answers exchanges A and B in what comes out and changes nothing else.
"""

from collections.abc import Iterable, Sequence

from selfref.messages import Verdict, VoteCounts


def lean(odds: float, *, tie_width: float) -> Verdict:
    """The verdict of one order, `odds` being its nats in favour of answer A; never inconsistent.

    Within the tie width, zero included, two answers are equal: engines do not repeat themselves more closely.
    """
    if abs(odds) <= tie_width:
        return Verdict.TIE
    return Verdict.A if odds > 0 else Verdict.B


def reconcile(a_first: float, b_first: float, *, tie_width: float) -> Verdict:
    """The verdict that survives swapping the answers.

    `a_first` and `b_first` are the nats in favour of answer A, asked with A first and with B first. Orders that lean
    opposite ways are inconsistent even where their mean is zero: a judge that sees only position contradicts itself.
    """
    leanings = {lean(a_first, tie_width=tie_width), lean(b_first, tie_width=tie_width)}
    if leanings == {Verdict.A, Verdict.B}:
        return Verdict.INCONSISTENT
    return lean((a_first + b_first) / 2, tie_width=tie_width)


def position_bias(a_first: float, b_first: float) -> float:
    """Nats towards whichever answer is shown first: half the difference between the two orders."""
    return (a_first - b_first) / 2


def count_votes(votes: Iterable[Verdict]) -> VoteCounts:
    """How many readings went each way."""
    heard = list(votes)
    return VoteCounts(a=heard.count(Verdict.A), b=heard.count(Verdict.B), tie=heard.count(Verdict.TIE))


def majority(votes: Sequence[Verdict]) -> Verdict:
    """The answer with more votes, or a tie; the rule of preset `paper`, where orders that contradict are just votes."""
    counts = count_votes(votes)
    if counts.a == counts.b:
        return Verdict.TIE
    return Verdict.A if counts.a > counts.b else Verdict.B


def reconcile_votes(a_first: Sequence[Verdict], b_first: Sequence[Verdict]) -> Verdict:
    """The verdict that survives swapping, from votes without odds: each order has its majority, both must agree.

    Where one order is evenly split, the other decides.
    """
    decided = {majority(a_first), majority(b_first)} - {Verdict.TIE}
    if len(decided) == 2:
        return Verdict.INCONSISTENT
    return decided.pop() if decided else Verdict.TIE
