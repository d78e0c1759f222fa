"""The report: figures and gaps in every group, paired, with the keys that are promised; and its tables and picture."""

import json
import math
from dataclasses import replace

import numpy as np
import orjson
import pytest
from rich.console import Console

from selfref.bench.agreement.page import page
from selfref.bench.agreement.plot import draw_figures, draw_reliability
from selfref.bench.agreement.published import published_for
from selfref.bench.agreement.report import report
from selfref.bench.agreement.scoring import FIGURES
from selfref.bench.agreement.view import tables
from selfref.bench.agreement.world import subsets_of
from selfref.messages import Usage
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


def of_kinds(rows):
    return [
        replace(one, known=replace(one.known, groups=groups_of(*kind))) for one, kind in zip(rows, KINDS, strict=True)
    ]


def groups_of(family, principle, criterion):
    return {
        "families": (family,),
        "principles": (principle,),
        "criteria": (criterion,),
        "subsets": subsets_of(family, criterion),
    }


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
    scored = {"intervals", "asked", "verdicts", "failed", "spent"}
    assert set(FIGURES) | scored | {"reliability", "strengths", "provenance"} <= arm.keys()
    assert list(arm["families"]) == ["sums", "harm", "where", "facts"]
    assert set(arm["principles"]) == {"be correct", "be polite", "best for humanity", "be brief"}
    assert set(arm["criteria"]) == {"right", "kind", "harmless", "brief"}
    assert list(arm["subsets"]) == ["worked_out", "worked_out_right"]
    for scores in (arm, *arm["families"].values(), *arm["principles"].values(), *arm["subsets"].values()):
        assert set(FIGURES) <= scores.keys()
        assert set(scores["intervals"]) == set(FIGURES)
    assert found["settings"] == SETTINGS
    assert found["groupings"] == ["families", "principles", "criteria", "subsets"]
    for baseline in found["baselines"].values():
        assert {"accuracy_net", "interval", *found["groupings"]} <= baseline.keys()


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


def test_another_arm_may_be_what_the_others_are_held_against():
    arms = {"direct@8": BLIND, "direct@auto": GOOD}
    provenance = {name: [{"model": "m", "revision": None}] for name in arms}
    found = report(arms, provenance=provenance, settings=SETTINGS, count=300, seed=0, baseline="direct@8")
    assert (found["baseline"], list(found["differences"])) == ("direct@8", ["direct@auto"])
    assert found["differences"]["direct@auto"]["accuracy_net"]["difference"] == 0.5
    with_calls = [replace(one, spent=Usage(calls=4)) for one in GOOD]
    found = report({"a": with_calls}, provenance={"a": []}, settings=SETTINGS, count=300, seed=0)
    assert found["calls"]["a"]["per_pair"] == 4
    assert "| a | 4.00 [4.00,4.00] |" in page(found, pictures={})


def test_without_direct_there_are_no_gaps():
    found = made(self_reference=GOOD)
    assert (found["baseline"], found["differences"]) == (None, {})


def test_a_paired_interval_holds_the_true_difference_in_about_95_of_100_draws():
    """Two judges right in 70 % and 60 % of pairs, and mostly on the same ones, as two presets of one model are."""
    random, held, widths = np.random.default_rng(5), [], []
    for seed in range(200):
        luck = random.random(120)
        other = np.where(random.random(120) < 0.8, luck, random.random(120))
        found = report(
            {"direct": coined(luck < 0.6), "self-reference": coined(other < 0.7)},
            provenance={"direct": [], "self-reference": []},
            settings={},
            count=200,
            seed=seed,
        )
        low, high = found["differences"]["self-reference"]["accuracy_net"]["interval"]
        held.append(low <= 0.1 <= high)
        widths.append(high - low)
    assert 0.90 <= np.mean(held) <= 0.98
    unpaired = 2 * 1.96 * math.sqrt((0.7 * 0.3 + 0.6 * 0.4) / 120)
    assert np.mean(widths) < 0.75 * unpaired, (
        "on the same pairs a difference is known better than on two draws of pairs"
    )


def coined(right):
    return [row("A" if each else "B", gold="A", first=("A",), second=("A",)) for each in right]


def test_the_decided_verdicts_are_told_apart_by_their_strength():
    rows = [perfect("A", sure=0.95), perfect("B", sure=0.95), row("B", gold="A", p=0.05), perfect("A", sure=0.55)]
    rows += [row("tie", gold="A", p=0.95), row(None), row("A", gold="A")]
    (arm,) = report({"direct": rows}, provenance={"direct": []}, settings={}, count=300, seed=0)["arms"].values()
    assert [(each["low"], each["high"], each["pairs"]) for each in arm["strengths"]] == [
        (0, 0.25, 1),
        (0.25, 0.5, 0),
        (0.5, 0.75, 0),
        (0.75, 1, 3),
    ]
    assert [each["accuracy"] for each in arm["strengths"]] == [1, None, None, pytest.approx(2 / 3)]
    low, high = arm["strengths"][3]["interval"]
    assert low < 2 / 3 < high


def test_judges_that_read_nothing_are_scored_on_the_same_pairs():
    golds = [("A", "A"), ("A", "B"), ("B", "B"), ("B", "tie"), ("tie", "A")]  # gold, the longer one
    rows = [row(gold=gold, longer=longer, groups={"meta.kind": (gold,)}) for gold, longer in golds]
    found = report({"direct": rows}, provenance={"direct": []}, settings={}, count=300, seed=0)["baselines"]
    assert found["longer_wins"]["accuracy_net"] == pytest.approx((1 + 0 + 1 + 0.5 + 0.5) / 5)
    assert found["first_wins"]["accuracy_net"] == pytest.approx((1 + 1 + 0 + 0 + 0.5) / 5)
    assert found["longer_wins"]["meta.kind"]["B"]["accuracy_net"] == 0.75
    assert found["first_wins"]["meta.kind"]["A"] == {"accuracy_net": 1, "interval": (1, 1)}


def test_what_was_spent_is_added_up_where_it_belongs():
    spent = Usage(calls=5, prompt_tokens=100, completion_tokens=20)
    rows = [
        replace(row(groups={"meta.kind": ("a",)}), spent=spent),
        replace(row(groups={"meta.kind": ("a",)}), spent=spent),
        row(groups={"meta.kind": ("b",)}),
    ]
    (arm,) = report({"direct": rows}, provenance={"direct": []}, settings={}, count=300, seed=0)["arms"].values()
    assert arm["spent"] == {"calls": 10, "prompt_tokens": 200, "completion_tokens": 40}
    assert (arm["meta.kind"]["a"]["spent"]["calls"], arm["meta.kind"]["b"]["spent"]["calls"]) == (10, 0)


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
    assert line(shown, start="all", after="read nothing")[1:3] == ["50.0", "[50.0,50.0]"]
    assert line(shown, start="all", after="points: accuracy_net")[1:4] == ["+50.0", "[+50.0,+50.0]", "above"]
    assert line(shown, start="family: harm", after="\nconsistency")[2:4] == ["0.0", "[0.0,0.0]"]
    assert line(shown, start="90-95")[1:4] == ["–", "90.0", "100.0"]
    assert "Failed pairs count as wrong" in shown


def test_answers_of_two_judges_are_told_of_before_any_figure():
    found = report(
        {"direct": GOOD, "paper": GOOD},
        provenance={"direct": [{"model": "m", "revision": "1"}], "paper": [{"model": "n", "revision": None}]},
        settings={**SETTINGS, "pairs": 6},
        count=300,
        seed=0,
    )
    text = printed(found)
    assert "judge: m 1, n" in text
    assert text.index("More than one judge answered") < text.index("accuracy_mean")
    assert "More than one judge" not in printed(made(direct=GOOD, paper=GOOD))


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


def test_a_page_holds_every_figure_of_every_group_and_what_others_published():
    found = made(direct=GOOD, self_reference=MIXED)
    found["published"] = published_for([f"pandalm-{number:04}" for number in range(999)])
    text = page(found, pictures={"Reliability": "a.png"})
    assert "![Reliability](a.png)" in text
    assert "| gpt-3.5-turbo, published | 69.8 |" in text
    assert "arXiv 2306.05087" in text
    for figure in FIGURES:
        assert f"\n## {figure}, %\n" in text
    for line_ in text.splitlines():
        if line_.startswith("|"):
            assert line_.count("|") == line_.count(" | ") + 2


def test_a_cell_of_a_page_cannot_end_its_column_or_begin_a_tag():
    rows = [row(groups={"meta.kind": ("a | b <script>",)})]
    found = report({"direct": rows}, provenance={"direct": []}, settings=SETTINGS, count=300, seed=0)
    assert "| kind: a &#124; b &lt;script> |" in page(found, pictures={})


def test_the_figures_are_drawn_beside_the_published_ones(tmp_path):
    found = made(direct=GOOD, paper=of_kinds([row(None)] * 6))
    found["published"] = published_for([f"llmbar-{number}" for number in range(419)])
    draw_figures(found, tmp_path / "figures.png")
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")
