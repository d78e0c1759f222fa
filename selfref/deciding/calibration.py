"""The file of calibrations: for which judge, on which pairs and how well temperature and tie width were fitted.

`selfref calibrate` writes it; a worker, and whoever decides judgments again, reads it. A calibration holds for one
judge as it was measured: another model, revision, prompt file, chat template or preset has other odds, and goes
uncalibrated rather than on somebody else's scale.

    found = load_calibrations(path).scale_of(judgment)
    if isinstance(found, Unmatched):
        print(found.reason)
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

import orjson
from pydantic import Field, ValidationError, model_validator

from selfref.deciding.scale import Scale
from selfref.messages import Judgment, Preset
from selfref.messages.message import Message

_DIGITS = 16  # hexadecimal, as of a provenance

Finite = Annotated[float, Field(allow_inf_nan=False)]
Width = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class UnusableCalibration(Exception):
    """The file is not there, or no file of calibrations; says what to do."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A judge that has no calibration in a file, and why."""

    reason: str
    preset_known: bool  # the file has the preset, for another judge


class JudgeMeasured(Message):
    """Whose odds a calibration is for; None in a file: the engine did not say, so any will do."""

    engine: str
    model: str
    revision: str | None
    template: str | None = Field(description="digest of the worker's prompt files")
    chat_template: str | None = Field(description="digest of a chat as the engine renders it")
    preset: Preset

    @classmethod
    def of(cls, judgment: Judgment) -> Self:
        """The judge that made this judgment."""
        made = judgment.provenance
        return cls(
            engine=made.engine,
            model=made.model,
            revision=made.revision,
            template=made.template,
            chat_template=made.parameters.get("chat_template"),
            preset=judgment.preset,
        )

    def told_apart_from(self, other: "JudgeMeasured") -> str:
        """In what the other differs from this one, of which a calibration was made; empty where it does not."""
        own, others = self.model_dump(), other.model_dump()
        apart = [name for name, value in own.items() if value is not None and value != others[name]]
        return ", ".join(f"{name.replace('_', ' ')} {others[name]} instead of {own[name]}" for name in apart)


class Figure(Message):
    """A figure and the ends of its 95 % interval."""

    value: Finite
    low: Finite
    high: Finite


class Fit(Message):
    """How true the probabilities of a scale are on pairs that it was not fitted on; 0 is best in all three."""

    ece: Figure
    brier: Figure
    log_loss: Figure = Field(description="nats; ln 2, about 0.693, is a coin")


class FittedOn(Message):
    """The labelled pairs."""

    name: str
    sha256: str = Field(description="of the file, or of the little world's questions")
    pairs: int = Field(description="with a probability, so that they could be fitted on")
    ties: int = Field(description="of these, how many people found to be ties")


class Calibration(Message):
    """One judge's scale and what speaks for it; `held_out_*` are of pairs in folds that were left out of the fit."""

    digest: str = Field(description="of judge, scale and pairs; `provenance.calibration` of what is judged on it")
    judge: JudgeMeasured
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    tie_width: Width | None = Field(description="nats; null: not fitted, whoever judges keeps his own")
    fitted_on: FittedOn
    folds: int
    seed: int = Field(description="dealt the prompts to the folds")
    held_out_before: Fit = Field(description="at temperature 1")
    held_out_after: Fit

    @classmethod
    def made(
        cls,
        judge: JudgeMeasured,
        *,
        temperature: float,
        tie_width: float | None,
        fitted_on: FittedOn,
        folds: int,
        seed: int,
        held_out_before: Fit,
        held_out_after: Fit,
    ) -> Self:
        """The calibration under its digest."""
        return cls(
            digest=_digest(judge, temperature, tie_width, fitted_on),
            judge=judge,
            temperature=temperature,
            tie_width=tie_width,
            fitted_on=fitted_on,
            folds=folds,
            seed=seed,
            held_out_before=held_out_before,
            held_out_after=held_out_after,
        )

    @model_validator(mode="after")
    def _digest_is_its_own(self) -> Self:
        if self.digest != _digest(self.judge, self.temperature, self.tie_width, self.fitted_on):
            raise ValueError("was changed after it was fitted: its digest is another's; calibrate again")
        return self

    def scale(self, *, tie_width: float) -> Scale:
        """As `decide` takes it; `tie_width` holds where none was fitted."""
        width = tie_width if self.tie_width is None else self.tie_width
        return Scale(tie_width=width, temperature=self.temperature, calibration=self.digest)


class Calibrations(Message):
    """The whole file: at most one calibration for a judge, which a preset is part of."""

    kind: Literal["selfref-calibrations"] = "selfref-calibrations"
    version: Literal[1] = 1
    created_at: datetime
    calibrations: Annotated[tuple[Calibration, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_for_each_judge(self) -> Self:
        if len({each.judge for each in self.calibrations}) < len(self.calibrations):
            raise ValueError("two calibrations for one judge; keep one")
        return self

    def scale_of(self, judgment: Judgment) -> Scale | Unmatched:
        """The scale that this judgment is to be decided on again; its own tie width holds where none was fitted."""
        return self.scale_for(JudgeMeasured.of(judgment), tie_width=Scale.of(judgment.provenance).tie_width)

    def scale_for(self, judge: JudgeMeasured, *, tie_width: float) -> Scale | Unmatched:
        """The scale that this judge's odds are to be read on; `tie_width` holds where none was fitted."""
        of_preset = [each for each in self.calibrations if each.judge.preset is judge.preset]
        if not of_preset:
            return Unmatched(f"there is none for preset {judge.preset.value}", preset_known=False)
        for each in of_preset:
            if not each.judge.told_apart_from(judge):
                return each.scale(tie_width=tie_width)
        return Unmatched(
            f"fitted for another judge: {of_preset[0].judge.told_apart_from(judge)}; calibrate this one",
            preset_known=True,
        )


def load_calibrations(path: Path) -> Calibrations:
    """The calibrations of a file. Raises UnusableCalibration."""
    try:
        return Calibrations.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UnusableCalibration(
            f"{path} cannot be read ({error.strerror}); name a file that `selfref calibrate` wrote"
        ) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()[:3]
        )
        raise UnusableCalibration(
            f"{path} holds no calibrations ({faults}); name a file that `selfref calibrate` wrote, or write it again"
        ) from error


def _digest(judge: JudgeMeasured, temperature: float, tie_width: float | None, fitted_on: FittedOn) -> str:
    content = {
        "judge": judge.model_dump(mode="json"),
        "temperature": float(temperature),
        "tie_width": None if tie_width is None else float(tie_width),
        "fitted_on": fitted_on.model_dump(mode="json"),
    }
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()[:_DIGITS]
