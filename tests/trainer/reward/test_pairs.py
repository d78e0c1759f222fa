"""What a label teaches under each loss, and what is left out and counted."""

import pytest

from selfref.messages import Verdict
from tests.trainer.labels import label
from tests.trainer.models import tokens
from trainer.errors import TrainingError
from trainer.reward.pairs import columns, pairs_of
from trainer.reward.settings import Loss, RewardSettings

TOKENS = tokens()
LABELS = [
    label(0, probability_a=0.9),
    label(1, verdict=Verdict.B, probability_a=0.3),
    label(2, verdict=Verdict.TIE, probability_a=0.52),
    label(3, verdict=Verdict.INCONSISTENT, probability_a=0.6),
    label(4, answer_a=" ".join(["Friday"] * 300)),
    label(5, verdict=Verdict.B, probability_a=None),
]


def kept(loss: Loss, **more: int) -> tuple[list[str], dict[str, int]]:
    found = pairs_of(LABELS, TOKENS, RewardSettings(loss=loss, longest=100))
    return [pair.label.id for pair in found.kept], dict(found.left_out)


def test_only_a_probability_can_say_that_neither_is_better() -> None:
    assert kept(Loss.SOFT) == (["pair-0", "pair-1", "pair-2", "pair-5"], {"undecided": 1, "too_long": 1})
    assert kept(Loss.BT) == (["pair-0", "pair-1", "pair-5"], {"tie": 1, "undecided": 1, "too_long": 1})


def test_the_better_answer_comes_first_and_has_the_probability() -> None:
    first, second, tie, certain = pairs_of(LABELS, TOKENS, RewardSettings(longest=100)).kept
    assert (first.soft, second.soft, tie.soft, certain.soft) == pytest.approx((0.9, 0.7, 0.52, 1.0))
    assert (first.strength, second.strength, tie.strength, certain.strength) == pytest.approx((0.8, 0.4, 0.0, 0.0))
    assert TOKENS.text(first.chosen[first.prompt :]) == TOKENS.text(second.rejected[second.prompt :]) == "It is Friday."
    assert first.chosen[: first.prompt] == first.rejected[: first.prompt]
    assert first.chosen[-1] == first.rejected[-1] == TOKENS.eos


@pytest.mark.parametrize(
    ("loss", "soft", "margin", "weight"),
    [
        (Loss.SOFT, [0.9, 0.7], [0, 0], [1, 1]),
        (Loss.SCALED, [1, 1], [0, 0], [4 / 3, 2 / 3]),
        (Loss.PAPER, [1, 1], [1.6, 0.8], [1, 1]),
        (Loss.BT, [1, 1], [0, 0], [1, 1]),
    ],
)
def test_each_loss_is_told_what_it_needs(loss: Loss, soft: list[float], margin: list[float], weight: list[float]):
    settings = RewardSettings(loss=loss, margin=2.0)
    told = columns(pairs_of(LABELS[:2], TOKENS, settings).kept, settings)
    assert (told["soft"], told["margin"], told["weight"]) == (
        pytest.approx(soft),
        pytest.approx(margin),
        pytest.approx(weight),
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"batch": 10, "micro_batch": 4}, "in parts of 4"),
        ({"batch": 0}, "batch is 0"),
        ({"longest": 0}, "longest is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict, told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        RewardSettings(**wrong)
