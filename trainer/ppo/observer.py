"""What looks at a policy in training and may end that: the judge, say, by its win rate over the reference policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from trainer.tokens import Tokens


class Action(StrEnum):
    """What an observer wants done."""

    CONTINUE = "continue"
    KEEP = "keep"  # continue, and remember these weights for a roll back
    STOP = "stop"  # with the weights as they are
    ROLL_BACK = "roll_back"  # stop with the weights that were kept last, or with the first ones where none were


@dataclass(frozen=True, slots=True)
class State:
    """What an observer may look at, and must not change."""

    policy: Any  # a transformers causal language model
    reference_policy: Any  # the same with the weights that training began with
    tokens: Tokens
    metrics: Mapping[str, float]  # the update's line of the log


class Observer(Protocol):
    """Asked after every `checked_every` updates.

    A run that was killed asks again from its last checkpoint on, with the same weights; what it samples for itself
    changes nothing of the training.
    """

    def __call__(self, update: int, state: State) -> Action:
        """`update` counts from 1."""


def seen_by(*observers: Observer, heeded: Observer | None) -> Observer:
    """All of them at each check; what one of them wants is done, or nothing."""

    def observe(update: int, state: State) -> Action:
        wanted = {observer: observer(update, state) for observer in observers}
        return wanted[heeded] if heeded else Action.CONTINUE

    return observe
