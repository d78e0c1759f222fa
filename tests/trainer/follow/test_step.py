"""What a follower does next."""

import pytest

from trainer.follow.step import Stage, Standing, Step, next_step

OPEN, DONE, IMPOSSIBLE = Stage.OPEN, Stage.DONE, Stage.IMPOSSIBLE


@pytest.mark.parametrize(
    ("standing", "rounds", "with_policy", "expected"),
    [
        (Standing(0), None, False, Step.TAKE),
        (Standing(0), 1, True, Step.TAKE),
        # Whatever there is at a start: the newest snapshot's runs before another snapshot.
        (Standing(1), None, False, Step.REWARD),
        (Standing(4), None, True, Step.REWARD),
        (Standing(4), 4, False, Step.REWARD),
        (Standing(9), 4, False, Step.REWARD),
        # One after the other.
        (Standing(2, DONE), None, False, Step.TAKE),
        (Standing(2, DONE), None, True, Step.POLICY),
        (Standing(2, DONE), 2, True, Step.POLICY),
        (Standing(2, DONE, DONE), None, True, Step.TAKE),
        # What cannot be made is left behind, and so is what would need it.
        (Standing(2, IMPOSSIBLE), None, False, Step.TAKE),
        (Standing(2, IMPOSSIBLE), None, True, Step.TAKE),
        (Standing(2, DONE, IMPOSSIBLE), None, True, Step.TAKE),
        # The last round.
        (Standing(3, DONE), 3, False, Step.END),
        (Standing(3, DONE, DONE), 3, True, Step.END),
        (Standing(3, IMPOSSIBLE), 3, True, Step.END),
        (Standing(3, DONE, IMPOSSIBLE), 3, True, Step.END),
        (Standing(4, DONE), 3, False, Step.END),
        (Standing(2, DONE, DONE), 3, True, Step.TAKE),
    ],
)
def test_the_next_step(standing: Standing, rounds: int | None, with_policy: bool, expected: Step) -> None:
    assert next_step(standing, rounds=rounds, with_policy=with_policy) is expected
