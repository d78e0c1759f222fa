"""Which presets of this worker's judge have a calibration, found once at the start; no I/O."""

from selfref.deciding import Calibrations, JudgeMeasured, Scale, Unmatched
from selfref.messages import Preset
from worker.engines.protocol import Description


def calibrated_presets(
    calibrations: Calibrations, *, engine: Description, template: str, tie_width: float
) -> tuple[dict[Preset, Scale], dict[Preset, Unmatched]]:
    """The scale of every preset that has one, and for every other one why it has none.

    `template` is the digest of the prompt files; `tie_width` holds where none was fitted.
    """
    scales, unmatched = {}, {}
    for preset in Preset:
        judge = JudgeMeasured(
            engine=engine.engine,
            model=engine.model,
            revision=engine.revision,
            template=template,
            chat_template=engine.chat_template,
            preset=preset,
        )
        found = calibrations.scale_for(judge, tie_width=tie_width)
        if isinstance(found, Unmatched):
            unmatched[preset] = found
        else:
            scales[preset] = found
    return scales, unmatched
