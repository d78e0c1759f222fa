"""What `selfref calibrate` does with its options: ask, fit every preset, write all of them or nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from littleworld.world.question import Split
from selfref.bench.agreement.asking import Answers, ask
from selfref.bench.agreement.cases import key_of
from selfref.bench.agreement.files import ARMS, BadLines
from selfref.bench.agreement.sets import Set, file_set, world_set
from selfref.bench.agreement.writing import can_draw
from selfref.calibrating.fitting import Fitted, fit
from selfref.calibrating.refused import Refused
from selfref.calibrating.samples import samples_of
from selfref.calibrating.view import draw, tables
from selfref.cli.exit_codes import FAILED, WRONG_USE
from selfref.cli.terminal import err, stop
from selfref.cli.terminal import out as terminal
from selfref.deciding.calibration import Calibrations
from selfref.durable import whole_file
from selfref.messages import now
from selfref.stack.parts import StackSettings


@dataclass(frozen=True, slots=True)
class Judges:
    """Who is asked, where the folder lacks an answer: the service at `url`, or a stack on this model or engine."""

    url: str | None
    api_key: str | None
    model: Path | None
    engine_url: str | None
    at_once: int


def labelled_file(path: Path, *, presets: Sequence[str], seed: int) -> Set:
    """The pairs of a labelled file; ends the command where they cannot be asked about."""
    known = [each.value for each in ARMS]
    if unknown := [each for each in presets if each not in known]:
        stop(WRONG_USE, f"no row of a file has what preset {unknown[0]} needs", advice=f"Keep to {', '.join(known)}.")
    try:
        return file_set(path, by=(), seed=seed)
    except (BadLines, OSError) as error:
        stop(WRONG_USE, str(error), advice="Mend the file; nothing was asked.")


def world_pairs(world: str, *, pairs: int, seed: int) -> Set:
    """The first pairs of this side of the little world."""
    return world_set(Split(world), pairs=pairs, seed=seed)


def calibrate_on(one: Set, presets: Sequence[str], judges: Judges, *, seed: int, out: Path) -> None:
    """Write NAME.calibration.json and its picture to `out`, or end the command with the reasons why there are none."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        stop(WRONG_USE, f"{out} cannot be made: {error.strerror}", advice="Name another with --out.")
    settings = StackSettings(
        data_dir=out.absolute() / "stack", port=0, model=judges.model, engine_url=judges.engine_url
    )
    (answers,) = ask([one], presets, settings, url=judges.url, api_key=judges.api_key, out=out, at_once=judges.at_once)
    with err.status("fitting"):
        found = _fitted(one, answers, seed=seed)
    file = out / f"{one.name}.calibration.json"
    try:
        with whole_file(file) as written:
            content = Calibrations(created_at=now(), calibrations=tuple(each.calibration for each in found))
            written.write(orjson.dumps(content.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
        if can_draw():
            draw(found, file.with_suffix(".png"))
    except OSError as error:
        stop(FAILED, f"the calibration could not be written: {error}", advice="The same command asks nothing twice.")
    terminal.print(tables(found))
    err.print(f"written to {file}; workers judge by it with `selfref up --calibration {file}`", style="dim")


def _fitted(one: Set, answers: Answers, *, seed: int) -> list[Fitted]:
    """The calibration of every preset; ends the command where one has none."""
    found, refused = [], []
    for preset, asked in answers.items():
        pairs = [(case.prompt, case.known.gold, each.judgment) for case, each in zip(one.cases, asked, strict=True)]
        try:
            found.append(fit(samples_of(pairs), name=_told(one), sha256=_content(one, preset), seed=seed))
        except Refused as why:
            refused.append(f"{preset}: {why}")
    if refused:
        stop(
            FAILED,
            "not calibrated, and nothing is written\n" + "\n".join(refused),
            advice="The judgments are kept: the same command with presets that can be calibrated asks nobody again.",
        )
    return found


def _told(one: Set) -> str:
    settings = one.settings
    return settings.get("file") or f"world {settings['world']}, seed {settings['seed']}"


def _content(one: Set, preset: str) -> str:
    """A digest of everything that was asked in this preset, and of the labels."""
    content = hashlib.sha256()
    for case in one.cases:
        content.update(f"{key_of(case, preset, run='')} {case.known.gold}\n".encode())
    return content.hexdigest()
