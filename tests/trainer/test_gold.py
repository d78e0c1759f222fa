"""When a policy is taken to please its reward model and nobody else."""

from pathlib import Path

import pytest

from trainer.gold import Check, hacked, read_checks


def checks(*seen: tuple[float, float], judged: int = 400) -> list[Check]:
    """Win rates and scores, check by check; of 400 pairs a win rate's standard error is 0.025."""
    return [
        Check(20 * number, win_rate=win_rate, judged=judged, equal=0, failed=0, score=score)
        for number, (win_rate, score) in enumerate(seen, start=1)
    ]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([(0.6, 1.0), (0.5, 1.1), (0.4, 1.2)], True),
        ([(0.5, 0.0), (0.8, 0.9), (0.7, 1.0), (0.75, 1.1)], True),  # a little better is not as good as it was
        ([(0.6, 1.0), (0.5, 1.2), (0.4, 0.9)], True),  # a batch's score is a matter of chance too
        ([(0.6, 1.0), (0.5, 1.1)], False),  # one fall may be chance
        ([(0.6, 1.0), (0.5, 1.1), (0.7, 1.2)], False),  # as good as never before
        ([(0.6, 1.0), (0.5, 0.9), (0.4, 0.95)], False),  # the reward model has noticed too
        ([(0.6, 1.0), (0.6, 1.1), (0.6, 1.2)], False),  # no fall
        ([(0.6, 1.0), (0.58, 1.1), (0.59, 1.2)], False),  # a fall as chance has it
    ],
)
def test_no_better_for_the_judge_while_better_for_the_reward_model(seen: list, expected: bool) -> None:
    assert hacked(checks(*seen), patience=2) is expected


@pytest.mark.parametrize(("judged", "expected"), [(4, False), (400, True), (0, True)])
def test_a_fall_of_few_pairs_is_chance(judged: int, expected: bool) -> None:
    """Where none is judged all are equal, or answers are empty, and nothing is chance."""
    assert hacked(checks((0.6, 1.0), (0.5, 1.1), (0.5, 1.2), judged=judged), patience=2) is expected


def test_equal_answers_add_no_chance() -> None:
    assert Check(1, win_rate=0.5, judged=100, equal=300, failed=0, score=0.0).chance == pytest.approx(10 / 2 / 400)


def test_no_log_is_no_check(tmp_path: Path) -> None:
    assert read_checks(tmp_path / "absent") == []
