"""Which labels teach something: each is kept, or dropped for one reason; no I/O."""

from enum import StrEnum

from selfref.messages import Label, Verdict


class Reason(StrEnum):
    """Why a label is in no file of its snapshot."""

    TIE = "tie"  # nothing was preferred; a loss on soft labels can still learn from it
    INCONSISTENT = "inconsistent"  # the judge contradicted itself
    EQUAL_ANSWERS = "equal_answers"
    DUPLICATE = "duplicate"  # a label of this id was kept before, in this snapshot or an earlier one


class Sieve:
    """Keeps a label once; remembers the ids that it kept."""

    def __init__(self, kept: set[str], *, keep_ties: bool) -> None:
        self._kept = kept
        self._keep_ties = keep_ties

    def drops(self, label: Label) -> Reason | None:
        """The reason to drop this label, or None: then its id is taken note of."""
        reason = self._reason(label)
        if reason is None:
            self._kept.add(label.id)
        return reason

    def _reason(self, label: Label) -> Reason | None:
        if label.id in self._kept:
            return Reason.DUPLICATE
        if label.answer_a == label.answer_b:
            return Reason.EQUAL_ANSWERS
        if label.verdict is Verdict.INCONSISTENT:
            return Reason.INCONSISTENT
        if label.verdict is Verdict.TIE and not self._keep_ties:
            return Reason.TIE
        return None
