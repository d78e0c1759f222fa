"""What an operator may change about the method; part of every judgment's provenance."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from selfref.deciding import Scale
from selfref.messages import Preset
from worker.prompts import Prompts, load_prompts


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """Budgets are tokens, durations seconds."""

    reference_tokens: int = 512
    critique_tokens: int = 512
    scale: Scale = field(default_factory=Scale)  # of presets that have no calibration
    calibrated: Mapping[Preset, Scale] = field(default_factory=dict)
    reference_ttl: float = 7 * 86_400.0
    reference_patience: float = 300.0  # how long to wait for whoever is already writing the same reference
    prompts: Prompts = field(default_factory=load_prompts)

    def scale_of(self, preset: Preset) -> Scale:
        """What the odds of this preset are read on."""
        return self.calibrated.get(preset, self.scale)
