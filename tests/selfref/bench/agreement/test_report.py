"""The report: figures and gaps in every group, paired, with the keys that are promised; and its tables and picture."""

import json
import math

import orjson
import pytest
from rich.console import Console

from littleworld.world.families import FAMILIES
from selfref.bench.agreement.plot import draw_reliability
from selfref.bench.agreement.report import WORKED_OUT, report, subsets_of
from selfref.bench.agreement.scoring import FIGURES
from selfref.bench.agreement.view import tables
from tests.selfref.bench.agreement.rows import perfect, position_only, row

SETTINGS = {"world": "heldout", "pairs": 6, "seed": 0, "resamples": 300, "level": 0.95, "worked_out": ["sums"]}
KINDS = [  # family, principle, criterion
    ("sums", "be correct", "right"),
    ("sums", "be polite", "kind"),
    ("harm", "best for humanity", "harmless"),
    ("where", "best for humanity", "right"),
    ("facts", "be brief", "brief"),
    ("facts", "be correct", "right"),
]
KEYS = ("family", "principle", "criterion")


def of_kinds(rows):
    return [
        row(
            one.verdict,
            gold=one.gold,
            first=tuple(each.verdict for each in one.readings if each.first == "A"),
            second=tuple(each.verdict for each in one.readings if each.first == "B"),
            p=one.probability_a,
            **dict(zip(KEYS, kind, strict=True)),
        )
        for one, kind in zip(rows, KINDS, strict=True)
    ]


GOLD = "ABABAB"
GOOD = of_kinds([perfect(gold, sure=0.9) for gold in GOLD])
BLIND = of_kinds([position_only(gold) for gold in GOLD])
MIXED = [GOOD[0], *BLIND[1:4], *of_kinds([perfect(gold, sure=0.9) for gold in GOLD[:5]] + [row(None)])[4:]]


def made(**arms):
    named = {name.replace("_", "-"): rows for name, rows in arms.items()}
    provenance = {name: [{"model": "m", "revision": None}] for name in named}
    return report(named, provenance=provenance, settings=SETTINGS, count=300, seed=0)


def test_every_promised_key_is_there_and_is_json():
    found = json.loads(orjson.dumps(made(direct=BLIND, self_reference=MIXED)))
    arm = found["arms"]["self-reference"]
    assert set(FIGURES) | {"intervals", "asked", "verdicts", "failed", "reliability", "provenance"} <= arm.keys()
    assert list(arm["families"]) == ["sums", "harm", "where", "facts"]
    assert set(arm["principles"]) == {"be correct", "be polite", "best for humanity", "be brief"}
    assert set(arm["criteria"]) == {"right", "kind", "harmless", "brief"}
    assert list(arm["subsets"]) == ["worked_out", "worked_out_right"]
    for scores in (arm, *arm["families"].values(), *arm["principles"].values(), *arm["subsets"].values()):
        assert set(FIGURES) <= scores.keys()
        assert set(scores["intervals"]) == set(FIGURES)
    assert found["settings"] == SETTINGS


def test_groups_have_figures_of_their_own():
    arm = made(direct=BLIND, self_reference=MIXED)["arms"]["self-reference"]
    assert arm["accuracy_net"] == pytest.approx((1 + 3 * 0.5 + 1 + 0) / 6)
    assert {name: each["accuracy_net"] for name, each in arm["families"].items()} == {
        "sums": 0.75,
        "harm": 0.5,
        "where": 0.5,
        "facts": 0.5,
    }
    assert arm["criteria"]["brief"]["accuracy_net"] == 1
    assert arm["subsets"]["worked_out"]["accuracy_net"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert arm["subsets"]["worked_out_right"]["accuracy_net"] == pytest.approx((1 + 0.5) / 2)
    assert arm["subsets"]["worked_out_right"]["asked"] == 2


def test_failures_are_counted_by_code_where_they_belong():
    arm = made(direct=BLIND, self_reference=MIXED)["arms"]["self-reference"]
    assert (arm["asked"], arm["failed"]) == (6, {"too_long": 1})
    assert sum(arm["verdicts"].values()) + sum(arm["failed"].values()) == 6
    assert (arm["families"]["facts"]["failed"], arm["families"]["sums"]["failed"]) == ({"too_long": 1}, {})


def test_a_gap_is_the_arm_minus_direct_on_the_same_pairs():
    found = made(direct=BLIND, self_reference=MIXED)["differences"]
    assert set(found) == {"self-reference"}
    gap = found["self-reference"]["accuracy_net"]
    assert gap["difference"] == pytest.approx(3.5 / 6 - 0.5)
    assert gap["interval"][0] < 0 < gap["interval"][1]
    assert found["self-reference"]["families"]["sums"]["accuracy_net"]["difference"] == pytest.approx(0.25)
    assert found["self-reference"]["subsets"]["worked_out"]["accuracy_net"]["difference"] == pytest.approx(0.5 / 3)


def test_two_arms_with_the_same_answers_do_not_differ_in_any_resample():
    (gap,) = made(direct=MIXED, reference=MIXED)["differences"].values()
    assert gap["accuracy_net"] == {"difference": 0, "interval": (0, 0)}


def test_a_gap_that_is_equal_in_every_pair_has_no_width():
    gap = made(direct=BLIND, self_reference=GOOD)["differences"]["self-reference"]
    assert gap["accuracy_net"] == {"difference": 0.5, "interval": pytest.approx((0.5, 0.5))}
    assert gap["consistency"] == {"difference": 1, "interval": pytest.approx((1, 1))}
    assert gap["accuracy_decided"] == {"difference": None, "interval": None}, "direct decides nothing"


def test_an_interval_surrounds_its_figure():
    arm = made(direct=MIXED)["arms"]["direct"]
    low, high = arm["intervals"]["accuracy_net"]
    assert low < arm["accuracy_net"] < high


def test_without_direct_there_are_no_gaps():
    found = made(self_reference=GOOD)
    assert (found["baseline"], found["differences"]) == (None, {})


def test_the_families_to_work_out_exist_and_are_not_all():
    assert set(FAMILIES) > WORKED_OUT


@pytest.mark.parametrize(
    ("family", "criterion", "subsets"),
    [
        ("sums", "right", ["worked_out", "worked_out_right"]),
        ("sums", "kind", ["worked_out"]),
        ("animals", "right", []),
        ("copying", "right", []),
        ("harm", "harmless", []),
    ],
)
def test_a_pair_belongs_to_its_subsets(family, criterion, subsets):
    assert subsets_of(row(family=family, criterion=criterion)) == subsets


def printed(found, *, width=200):
    console = Console(width=width)
    with console.capture() as capture:
        console.print(tables(found))
    return capture.get()


def line(text, *, start, after=""):
    lines = text[text.index(after) :].splitlines()
    return next(each.split() for each in lines if each.strip().startswith(start))


def test_the_tables_say_what_the_report_says():
    shown = printed(made(direct=BLIND, self_reference=GOOD, wrong_reference=MIXED))
    overall = line(shown, start="accuracy_net")
    assert overall[1:5] == ["50.0", "[50.0,50.0]", "100.0", "[100.0,100.0]"]
    assert line(shown, start="failed")[1:] == ["0", "0", "1", "too_long"]
    assert line(shown, start="all", after="points: accuracy_net")[1:4] == ["+50.0", "[+50.0,+50.0]", "above"]
    assert line(shown, start="family: harm", after="\nconsistency")[2:4] == ["0.0", "[0.0,0.0]"]
    assert line(shown, start="90-95")[1:4] == ["–", "90.0", "100.0"]
    assert "Failed pairs count as wrong" in shown


def test_an_arm_below_direct_is_said_to_be():
    assert "-50.0 [-50.0,-50.0] below" in printed(made(direct=GOOD, wrong_reference=BLIND))


@pytest.mark.parametrize("width", [40, 80, 160])
def test_an_arm_that_only_fails_can_be_shown_at_any_width(width):
    shown = printed(made(direct=BLIND, paper=of_kinds([row(None)] * 6)), width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert "nan" not in shown.lower().replace("nance", "")


def test_the_picture_is_drawn_for_every_arm_also_for_one_without_probabilities(tmp_path):
    file = tmp_path / "reliability.png"
    draw_reliability(made(direct=GOOD, self_reference=MIXED, paper=of_kinds([row(None)] * 6)), file)
    assert file.read_bytes().startswith(b"\x89PNG")
    assert math.log10(file.stat().st_size) > 4
