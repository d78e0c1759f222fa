"""What snapshots of any feed have in common, held against a few lines that say what they should hold."""

import fcntl
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfref.client import LabelPage
from selfref.messages import ChatMessage, Label, Prompt, Verdict
from tests.selfref.exports.labels import label
from tests.trainer.snapshots.feeds import ListedFeed, files, rows, taken
from trainer.errors import NothingToTrainOn, TrainingError
from trainer.snapshots.chain import FOLDER, MANIFEST, read_labels, snapshots
from trainer.snapshots.contents import Rules
from trainer.snapshots.sieve import Reason
from trainer.snapshots.taking import Order

PROMPTS: Sequence[Prompt] = (
    *(f"question {number}" for number in range(8)),
    (ChatMessage(role="user", content="question 0"),),
    (ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="question 0")),
)
made_up = st.builds(
    label,
    st.integers(0, 40).map(str),
    verdict=st.sampled_from(Verdict),
    prompt=st.sampled_from(PROMPTS),
    answers=st.sampled_from([("one", "other"), ("same", "same")]),
)


def kept_of(labels: Sequence[Label], *, keep_ties: bool) -> list[Label]:
    """Of each id the first label that teaches something."""
    kept: dict[str, Label] = {}
    for each in labels:
        teaches = each.verdict.decided or (keep_ties and each.verdict is Verdict.TIE)
        if teaches and each.answer_a != each.answer_b:
            kept.setdefault(each.id, each)
    return list(kept.values())


def turns(prompt: Prompt) -> tuple[ChatMessage, ...]:
    return (ChatMessage(role="user", content=prompt),) if isinstance(prompt, str) else prompt


@settings(max_examples=40, deadline=None)
@given(
    labels=st.lists(made_up, min_size=1, max_size=60),
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=6),
    longest=st.integers(1, 9),
    keep_ties=st.booleans(),
    share=st.sampled_from([0.0, 0.3, 0.5]),
)
def test_every_label_is_in_one_snapshot_and_every_prompt_on_one_side(
    labels: list[Label], sizes: list[int], longest: int, keep_ties: bool, share: float
) -> None:
    rules = Rules(heldout_share=share, keep_ties=keep_ties)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        for size in sizes:
            taken(data, ListedFeed(labels, longest=longest), Order(size, rest=True), rules)
        chain = snapshots(data)
        assert sum(each.manifest.consumed for each in chain) == len(labels)
        train = [row for each in chain for row in read_labels(each.train())]
        heldout = [row for each in chain for row in read_labels(each.heldout())]
        expected = kept_of(labels, keep_ties=keep_ties)
        assert sorted(train + heldout, key=expected.index) == expected
        assert [expected.index(row) for row in train] == sorted(expected.index(row) for row in train)
        assert not {turns(row.prompt) for row in train} & {turns(row.prompt) for row in heldout}


@settings(max_examples=12, deadline=None)
@given(labels=st.lists(made_up, min_size=20, max_size=60), size=st.integers(3, 20), longest=st.integers(1, 9))
def test_neither_pages_nor_restarts_nor_a_feed_that_still_grows_change_a_byte(
    labels: list[Label], size: int, longest: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        at_once, bit_by_bit = Path(folder) / "at once", Path(folder) / "bit by bit"
        taken(at_once, ListedFeed(labels), size)
        feed = ListedFeed(labels[:size], longest=longest)
        while len(feed.labels) < len(labels):
            taken(bit_by_bit, feed, size)
            feed.labels.append(labels[len(feed.labels)])
        taken(bit_by_bit, feed, size)
        assert files(bit_by_bit) == files(at_once)
        assert len(snapshots(at_once)) == len(labels) // size


def test_the_manifest_says_what_became_of_every_label(tmp_path: Path) -> None:
    same = ("same", "same")
    labels = [
        label("0", principle="kind"),
        label("1", verdict=Verdict.TIE),
        label("2", verdict=Verdict.INCONSISTENT),
        label("3", answers=same),
        label("4", verdict=Verdict.TIE, answers=same),
        label("0"),
        label("5", verdict=Verdict.B),
    ]
    (snapshot,) = taken(tmp_path, ListedFeed(labels), 7)
    manifest = snapshot.manifest
    assert manifest.dropped == {
        Reason.TIE: 1,
        Reason.INCONSISTENT: 1,
        Reason.EQUAL_ANSWERS: 2,
        Reason.DUPLICATE: 1,
    }
    assert (manifest.first_id, manifest.last_id, manifest.consumed, manifest.cursor) == ("0", "5", 7, "7")
    assert (manifest.train.rows, manifest.heldout.rows) == (2, 0)
    assert manifest.principles == {"kind": 1, "best for humanity": 6}
    assert manifest.provenances == {"0123456789abcdef": 7}
    assert manifest.previous is None
    assert [row.id for row in rows(snapshot)] == ["0", "5"]


def test_a_label_that_an_earlier_snapshot_holds_is_a_duplicate_whichever_side_it_is_on(tmp_path: Path) -> None:
    labels = [label(str(number), prompt=f"question {number}") for number in range(20)]
    first, second = taken(tmp_path, ListedFeed([*labels, *labels]), 20, Rules(heldout_share=0.5))
    assert 0 < first.manifest.heldout.rows < 20
    assert second.manifest.dropped[Reason.DUPLICATE] == 20
    assert rows(second) == []
    assert second.manifest.previous == first.digest


def test_a_snapshot_of_nothing_but_ties_is_empty_and_leaves_them_behind(tmp_path: Path) -> None:
    feed = ListedFeed([label(str(number), verdict=Verdict.TIE) for number in range(4)] + [label("decided")])
    ties, rest = taken(tmp_path, feed, Order(4, rest=True))
    assert (rows(ties), ties.manifest.dropped[Reason.TIE]) == ([], 4)
    assert [row.id for row in rows(rest)] == ["decided"]


def test_ties_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    feed = ListedFeed([label("tie", verdict=Verdict.TIE), label("unsure", verdict=Verdict.INCONSISTENT)])
    (snapshot,) = taken(tmp_path, feed, 2, Rules(keep_ties=True))
    assert [(row.id, row.chosen) for row in rows(snapshot)] == [("tie", None)]
    assert snapshot.manifest.keep_ties


@pytest.mark.parametrize(
    ("order", "sizes"),
    [
        (Order(4), [4, 4]),
        (Order(4, rest=True), [4, 4, 2]),
        (Order(4, count=1), [4]),
        (Order(4, count=1, rest=True), [4]),
        (Order(4, count=3, rest=True), [4, 4, 2]),
        (Order(5, rest=True), [5, 5]),
        (Order(100, rest=True), [10]),
    ],
)
def test_as_many_snapshots_as_were_asked_for_or_are_filled(tmp_path: Path, order: Order, sizes: list[int]) -> None:
    feed = ListedFeed([label(str(number)) for number in range(10)])
    assert [each.manifest.consumed for each in taken(tmp_path, feed, order)] == sizes
    assert [name for name in sorted(files(tmp_path)) if name.endswith(MANIFEST)] == [
        f"{number + 1:05}/{MANIFEST}" for number in range(len(sizes))
    ]


class GrowingFeed(ListedFeed):
    """A feed to which a label is added behind each page without labels."""

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """The next labels."""
        page = super().label_page(after, limit=limit, wait=wait)
        if not page.labels:
            self.labels.append(label(str(len(self.labels))))
        return page


def test_the_rest_is_taken_once_however_fast_the_feed_grows(tmp_path: Path) -> None:
    feed = GrowingFeed([label(str(number)) for number in range(5)])
    assert [each.manifest.consumed for each in taken(tmp_path, feed, Order(4, rest=True))] == [4, 1]


@pytest.mark.parametrize("labels", [0, 3])
def test_too_few_labels_for_a_first_snapshot_are_no_snapshot(tmp_path: Path, labels: int) -> None:
    feed = ListedFeed([label(str(number)) for number in range(labels)])
    with pytest.raises(NothingToTrainOn, match=f"has {labels} labels so far, and a snapshot takes 4.*--wait") as caught:
        taken(tmp_path, feed, 4)
    assert ("--rest" in str(caught.value)) == (labels > 0)
    assert files(tmp_path) == {}


def test_fewer_snapshots_than_counted_on_are_an_error_but_stay(tmp_path: Path) -> None:
    feed = ListedFeed([label(str(number)) for number in range(5)])
    with pytest.raises(NothingToTrainOn, match="has 1 label behind snapshot 00002"):
        taken(tmp_path, feed, Order(2, count=3))
    assert len(snapshots(tmp_path)) == 2


def test_nothing_new_is_no_error_where_there_are_snapshots(tmp_path: Path) -> None:
    feed = ListedFeed([label(str(number)) for number in range(5)])
    assert len(taken(tmp_path, feed, 2)) == 2
    before = files(tmp_path)
    assert taken(tmp_path, feed, 2) == []
    assert files(tmp_path) == before


@pytest.mark.parametrize("rules", [Rules(heldout_share=0.2), Rules(keep_ties=True)])
def test_other_rules_than_those_of_the_snapshots_that_are_there_are_refused(tmp_path: Path, rules: Rules) -> None:
    feed = ListedFeed([label(str(number)) for number in range(4)])
    taken(tmp_path, feed, 2)
    before = files(tmp_path)
    with pytest.raises(TrainingError, match=r"--heldout-share 0.1 and without --keep-ties.*new data folder"):
        taken(tmp_path, feed, 2, rules)
    assert files(tmp_path) == before


def test_what_a_killed_run_left_aside_is_no_snapshot_and_is_begun_anew(tmp_path: Path) -> None:
    feed = ListedFeed([label(str(number)) for number in range(4)])
    taken(tmp_path / "undisturbed", feed, 2)
    taken(tmp_path / "killed", feed, Order(2, count=1))
    folder = tmp_path / "killed" / FOLDER
    shutil.copytree(tmp_path / "undisturbed" / FOLDER / "00002", folder / ".taking-00002")
    assert [each.manifest.number for each in snapshots(tmp_path / "killed")] == [1]
    taken(tmp_path / "killed", feed, 2)
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    feed = ListedFeed([label(str(number)) for number in range(4)])
    taken(tmp_path, feed, Order(2, count=1))
    with (tmp_path / FOLDER / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrainingError, match="another process"):
            taken(tmp_path, feed, 2)
    assert len(taken(tmp_path, feed, 2)) == 1
