"""The little world as pairs: what each arm asks with, and where a pair is counted."""

from itertools import islice

import numpy as np
import pytest

from littleworld.world.families import FAMILIES
from littleworld.world.pairs import decided_pairs
from littleworld.world.question import Split
from selfref.bench.agreement.world import WORKED_OUT, Arm, case_of, pairs_of, subsets_of
from selfref.client.conversations import request_of
from selfref.messages import Preset

PAIRS = pairs_of(Split.HELD_OUT, count=30, seed=5)


@pytest.mark.parametrize("arm", Arm)
def test_each_arm_asks_with_its_preset_and_reference(arm):
    pair = PAIRS[0]
    case = case_of(pair, id="0")
    request = request_of(case.prompt, case.answer_a, case.answer_b, case.hows[arm])
    assert (request.prompt, request.answer_a, request.answer_b) == (pair.question.text, pair.a.text, pair.b.text)
    assert request.principle == pair.principle
    assert (request.preset, request.reference) == {
        Arm.DIRECT: (Preset.DIRECT, None),
        Arm.SELF_REFERENCE: (Preset.SELF_REFERENCE, None),
        Arm.REFERENCE: (Preset.REFERENCE, pair.right_reference),
        Arm.WRONG_REFERENCE: (Preset.REFERENCE, pair.wrong_reference),
        Arm.PAPER: (Preset.PAPER, None),
    }[arm]


@pytest.mark.parametrize("world", Split)
def test_pairs_are_decided_and_of_the_world_asked_for(world):
    drawn = pairs_of(world, count=40, seed=1)
    assert drawn == list(islice(decided_pairs(1, world), 40))
    assert {pair.question.split for pair in drawn} == {world}
    assert {pair.decision.preference for pair in drawn} == {"A", "B"}


def test_what_is_known_of_a_pair_goes_with_it():
    pair = next(pair for pair in PAIRS if pair.decision.preference == "B")
    known = case_of(pair, id="0").known
    assert known.gold == "B"
    assert known.groups["families"] == (pair.question.family,)
    assert known.groups["principles"] == (pair.principle,)
    assert known.groups["criteria"] == (pair.decision.criterion,)
    assert known.longer == {1: "A", 0: "tie", -1: "B"}[np.sign(len(pair.a.text) - len(pair.b.text))]


def test_the_families_to_work_out_exist_and_are_not_all():
    assert set(FAMILIES) > WORKED_OUT


@pytest.mark.parametrize(
    ("family", "criterion", "subsets"),
    [
        ("sums", "right", ("worked_out", "worked_out_right")),
        ("sums", "kind", ("worked_out",)),
        ("animals", "right", ()),
        ("copying", "right", ()),
        ("harm", "harmless", ()),
    ],
)
def test_a_pair_belongs_to_its_subsets(family, criterion, subsets):
    assert subsets_of(family, criterion) == subsets
