"""What an export to OpenRLHF is made for: its version, and what the commands that are written can be told."""

from dataclasses import dataclass

from trainer.errors import TrainingError

VERSION = "0.11.2"  # of OpenRLHF, whose parsers the flags were held against
_COUNTS = ("longest", "answer_tokens", "reward_batch", "batch", "micro_batch", "gpus", "episodes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Defaults are those of arXiv 2406.11190 and its published scripts where they say something.

    Raises TrainingError for values that contradict.
    """

    longest: int = 2048  # tokens of a prompt with its answer; OpenRLHF would cut longer ones off
    answer_tokens: int = 1024  # most tokens of an answer in PPO; the rest of `longest` is for the prompt
    margin: bool = True  # the loss asks for a distance of the label's margin (0 to 1)
    reward_batch: int = 256  # pairs a step of the reward model
    batch: int = 128  # prompts a step of PPO, with one answer each
    micro_batch: int = 1  # pairs or answers that one GPU computes at once
    episodes: int = 2  # times that PPO goes through the prompts
    gpus: int = 8  # of one machine
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}; it counts something, so it is 1 or more")
        if self.answer_tokens >= self.longest:
            raise TrainingError(
                f"answer_tokens is {self.answer_tokens}, which leaves a prompt nothing of longest, {self.longest}"
            )
        for name in ("reward_batch", "batch"):
            if getattr(self, name) % (self.gpus * self.micro_batch):
                raise TrainingError(
                    f"{name} is {getattr(self, name)}, which {self.gpus} GPUs cannot share in parts of "
                    f"{self.micro_batch}; DeepSpeed takes multiples of {self.gpus * self.micro_batch} only"
                )

    @property
    def prompt_tokens(self) -> int:
        """Most tokens of a prompt that PPO answers; of longer ones OpenRLHF would cut off the beginning."""
        return self.longest - self.answer_tokens
