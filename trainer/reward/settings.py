"""Everything that decides what a reward model becomes, beside its labels and its base model."""

from dataclasses import dataclass
from enum import StrEnum

from trainer.errors import TrainingError


class Loss(StrEnum):
    """What a preference teaches; `loss.py` has the formula."""

    SOFT = "soft"  # the judge's probability: a weak preference teaches a small difference, a tie none at all
    SCALED = "scaled"  # the verdict, weighed by its strength
    PAPER = "paper"  # the verdict with its strength as margin, and language modelling of the chosen answer beside it
    BT = "bt"  # the bare verdict: Bradley and Terry


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardSettings:
    """Defaults are those of `python -m trainer reward-model`. Raises TrainingError for values that contradict."""

    loss: Loss = Loss.SOFT
    margin: float = 1.0  # of a certain verdict (strength 1); `paper` only
    language: float = 0.01  # weight of language modelling (β); `paper` only
    centering: float = 0.0  # weight of the squared sum of both scores (arXiv 2312.09244, eq. 2)
    learning_rate: float = 1e-5
    epochs: float = 1.0
    batch: int = 64  # pairs a step, over all processes
    micro_batch: int = 64  # pairs computed at once by one process
    warm_up: float = 0.05  # share of the steps
    weight_decay: float = 0.0
    clip: float = 1.0  # norm of the gradient
    longest: int = 1024  # tokens of a prompt with its answer; pairs with a longer one are left out and counted
    lora_rank: int = 0  # 0: all weights are trained
    seed: int = 1
    saved_every: int = 100  # steps from which a run that was killed can go on

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.batch % self.micro_batch:
            raise TrainingError(f"a batch of {self.batch} pairs cannot be computed in parts of {self.micro_batch}")
        for name in ("batch", "micro_batch", "longest", "saved_every"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}; it counts something, so it is 1 or more")
        for name in ("learning_rate", "epochs", "clip"):
            if not getattr(self, name) > 0:
                raise TrainingError(f"{name} is {getattr(self, name)}; it has to be more than 0")
