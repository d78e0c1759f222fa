"""`selfref calibrate`: what a judge's odds are worth, fitted on labelled pairs and written for workers to load."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from selfref.cli.exit_codes import WRONG_USE
from selfref.cli.judge import PresetName
from selfref.cli.options import ApiKey, AskedUrl, AtOnce, EngineUrl, JudgeModel

PAIRS = 1000  # of the little world
OUT = Path("agreement")  # where `selfref bench agreement` keeps what was paid for


class World(StrEnum):
    """The sides of `littleworld.world.question.Split`."""

    TRAIN = "train"
    HELD_OUT = "heldout"


def calibrate(
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="JSON lines of {id, prompt, answer_a, answer_b, human_label, meta?}."
        ),
    ] = None,
    world: Annotated[World | None, typer.Option(help="In place of FILE: this side of the little world.")] = None,
    pairs: Annotated[
        int | None,
        typer.Option(min=1, help=f"Pairs of the little world.  [dim]default: {PAIRS}[/dim]"),
    ] = None,
    preset: Annotated[
        list[PresetName] | None,
        typer.Option(help="Preset to calibrate; may be repeated.  [dim]default: self-reference[/dim]"),
    ] = None,
    url: AskedUrl = None,
    model: JudgeModel = None,
    engine_url: EngineUrl = None,
    api_key: ApiKey = None,
    concurrency: AtOnce = 64,
    seed: Annotated[int, typer.Option(min=0, help="Deals prompts to folds, draws resamples and pairs.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            file_okay=False,
            help="Folder for judgments and calibration. Judgments that `selfref bench agreement --out` of the same "
            "pairs left there are not asked for again.",
        ),
    ] = OUT,
) -> None:
    """Fit what a judge's odds are worth on pairs that people have labelled, and write it for workers to judge by.

    Writes OUT/NAME.calibration.json, with the probabilities' truth before and after, measured on pairs that were left
    out of the fit; or nothing, and says why. `selfref up --calibration` and SELFREF_WORKER_CALIBRATION take the file.

    [dim]selfref calibrate pairs.jsonl --url http://127.0.0.1:8080 --preset self-reference --preset direct[/dim]
    """
    from selfref.cli.terminal import stop

    if (file is None) == (world is None):
        stop(WRONG_USE, "FILE or --world names the pairs", advice="Give one of them.")
    if file is not None and pairs is not None:
        stop(WRONG_USE, "FILE and --pairs are both given", advice="Keep one: files are judged whole.")
    if sum(each is not None for each in (url, model, engine_url)) > 1:
        stop(WRONG_USE, "more than one of --url, --model and --engine-url is given", advice="Each names who judges.")
    try:
        import numpy  # noqa: F401
    except ImportError:
        stop(WRONG_USE, "fitting needs numpy, which is not installed", advice="pip install 'selfref[local]'")
    from selfref.calibrating.command import Judges, calibrate_on, labelled_file, world_pairs

    presets = [each.value for each in dict.fromkeys(preset or [PresetName.SELF_REFERENCE])]
    if file is not None:
        one = labelled_file(file, presets=presets, seed=seed)
    else:
        one = world_pairs((world or World.TRAIN).value, pairs=pairs or PAIRS, seed=seed)
    judges = Judges(
        url=url, api_key=api_key, model=model and model.absolute(), engine_url=engine_url, at_once=concurrency
    )
    calibrate_on(one, presets, judges, seed=seed, out=out)
