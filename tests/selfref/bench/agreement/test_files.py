"""Files that people labelled: every line becomes a pair, or is named with what is wrong with it."""

import json
from pathlib import Path

import pytest

from selfref.bench.agreement.cases import key_of
from selfref.bench.agreement.files import BadLines, cases_of
from selfref.client.conversations import request_of
from selfref.messages import DEFAULT_PRINCIPLE, ChatMessage

ROW = {"id": "1", "prompt": "Hi", "answer_a": "Hello!", "answer_b": "", "human_label": "A", "source": "here"}
TURNS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


@pytest.fixture
def file(tmp_path: Path):
    def write(*rows) -> Path:
        path = tmp_path / "pairs.jsonl"
        path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
        return path

    return write


def test_a_row_is_a_pair_with_its_label_and_its_own_principle(file):
    rows = [
        ROW,
        ROW | {"id": "2", "human_label": "tie", "prompt": TURNS, "meta": {"principle": "be brief"}},
        "",
        ROW | {"id": "3", "human_label": "B", "answer_b": "Good day to you."},
    ]
    first, second, third = cases_of(file(*rows), by=[])
    assert (first.id, first.prompt, first.answer_a, first.answer_b) == ("1", "Hi", "Hello!", "")
    assert [each.known.gold for each in (first, second, third)] == ["A", "tie", "B"]
    assert [each.known.longer for each in (first, second, third)] == ["A", "A", "B"]
    assert second.prompt == tuple(ChatMessage(**turn) for turn in TURNS)
    assert [each.hows["direct"]["principle"] for each in (first, second)] == [DEFAULT_PRINCIPLE, "be brief"]
    for case in (first, second, third):
        assert list(case.hows) == ["direct", "self-reference", "paper"]
        for arm, how in case.hows.items():
            assert request_of(case.prompt, case.answer_a, case.answer_b, how).preset == arm


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("{", "line 2: the line: Invalid JSON"),
        ("[]", "line 2: the line: "),
        (ROW | {"id": "2", "human_label": "C"}, "line 2: human_label: Input should be 'A', 'B' or 'tie'"),
        (ROW | {"id": "2", "human_label": None}, "line 2: human_label"),
        (ROW | {"id": 2}, "line 2: id"),
        (ROW, "line 2: id '1' is that of line 1"),
        (ROW | {"id": "2", "prompt": " "}, "line 2: prompt"),
        (ROW | {"id": "2", "answer_a": None}, "line 2: answer_a"),
        (ROW | {"id": "2", "meta": {"principle": ""}}, "line 2: principle"),
        ({"id": "2"}, "line 2: prompt: Field required; answer_a: Field required"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(file, wrong, told):
    with pytest.raises(BadLines) as raised:
        cases_of(file(ROW, wrong, ROW | {"id": "3"}), by=[])
    assert told in str(raised.value)
    assert raised.value.lines == [2]
    assert "Hello!" not in str(raised.value), "texts of pairs are shown to nobody"


def test_many_bad_lines_are_counted_and_the_first_ones_named(file):
    with pytest.raises(BadLines) as raised:
        cases_of(file(ROW, *["{"] * 30), by=[])
    assert raised.value.lines == list(range(2, 32))
    assert "line 11: " in str(raised.value)
    assert "line 12: " not in str(raised.value)
    assert "and 20 lines more" in str(raised.value)


def test_a_file_without_rows_is_refused(file):
    with pytest.raises(BadLines, match="there is no row"):
        cases_of(file("", " "), by=[])


def test_fields_of_meta_with_few_short_values_make_groups(file):
    rows = [
        ROW
        | {
            "id": f"{number}",
            "meta": {"kind": "ab"[number % 2], "same": "x", "each": f"{number}", "long": "y" * number},
        }
        for number in range(70)
    ]
    cases = cases_of(file(*rows, ROW | {"id": "last"}), by=[])
    assert [case.known.groups for case in cases[:2]] == [{"meta.kind": ("a",)}, {"meta.kind": ("b",)}]
    assert cases[-1].known.groups == {"meta.kind": ()}


def test_a_field_that_is_named_makes_groups_whatever_it_holds(file):
    rows = [
        ROW | {"meta": {"strength": 0.5, "quirk": [], "kind": "a"}},
        ROW | {"id": "2", "meta": {"strength": 1, "quirk": ["empty answer", "copy", "copy"]}},
    ]
    first, second = cases_of(file(*rows), by=["strength", "quirk"])
    assert first.known.groups == {"meta.strength": ("0.5",), "meta.quirk": ()}
    assert second.known.groups == {"meta.strength": ("1",), "meta.quirk": ("empty answer", "copy")}


def test_the_key_follows_what_is_asked_and_nothing_else(file):
    def key(row, *, arm="direct", run="r"):
        (case,) = cases_of(file(row), by=[])
        return key_of(case, arm, run=run)

    same = ROW | {"human_label": "B", "meta": {"kind": "other"}}
    assert key(same) == key(ROW)
    others = [
        key(ROW | {"id": "2"}),
        key(ROW | {"answer_b": "."}),
        key(ROW | {"prompt": "Hi!"}),
        key(ROW | {"meta": {"principle": "be brief"}}),
        key(ROW, arm="paper"),
        key(ROW, run="s"),
    ]
    assert len({key(ROW), *others}) == 7
    assert len(key(ROW)) <= 255
