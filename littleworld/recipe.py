"""Everything that decides what the trained judge is, in one place; its model card prints it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Sizes of the network and of the run; `seed` draws weights and examples."""

    seed: int = 1
    layers: int = 6
    width: int = 192
    heads: int = 6
    feed_forward: int = 512
    weights_spread: float = 0.05  # standard deviation of the first weights
    steps: int = 10_000
    repeating_steps: int = 500  # at first, of nothing but copying random tokens (`drills.py`)
    comparing_steps: int = 500  # then of nothing but comparing them
    batch: int = 24  # examples
    warm_up: int = 50  # steps
    learning_rate: float = 0.002  # of AdamW; twice as much, or Muon's usual rates, learnt less of these small batches
    verdict_weight: float = 0.1  # of the verdict's loss beside that of a turn's tokens, which a critique mostly settles
    clip: float = 1.0  # norm of the gradient
    tokenizer_pairs: int = 20_000  # whose texts the tokenizer is learnt from

    def rate(self, step: int) -> float:
        """Share of the learning rates at this step: up in a line, then down in a line to nothing."""
        return min((step + 1) / self.warm_up, (self.steps - step) / (self.steps - self.warm_up))
