"""`selfref bench agreement`: the options and what they exclude; what is measured stands in the other modules."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from littleworld.world.question import Split
from selfref.bench.agreement import files as labelled
from selfref.bench.agreement.arms import read_arm
from selfref.bench.agreement.asking import Answers, ask
from selfref.bench.agreement.bootstrap import RESAMPLES
from selfref.bench.agreement.files import BadLines
from selfref.bench.agreement.public.catalog import PublicSet
from selfref.bench.agreement.public.command import fetch_sets
from selfref.bench.agreement.published import published_for
from selfref.bench.agreement.recorded import recorded_replies
from selfref.bench.agreement.replay import judges_of, rows_of
from selfref.bench.agreement.report import BASELINE, Dump, report
from selfref.bench.agreement.rescaled import rescaled
from selfref.bench.agreement.run import Asked
from selfref.bench.agreement.sets import Set, file_set, world_set
from selfref.bench.agreement.view import tables
from selfref.bench.agreement.world import Arm
from selfref.bench.agreement.writing import can_draw, write_folder, write_json
from selfref.cli.exit_codes import FAILED, WRONG_USE
from selfref.cli.options import ApiKey, AskedUrl, AtOnce, EngineUrl, JudgeModel
from selfref.cli.terminal import err, stop
from selfref.cli.terminal import out as terminal
from selfref.deciding import Calibrations, UnusableCalibration, load_calibrations
from selfref.messages import Provenance
from selfref.stack.parts import StackSettings

WORLD_ARMS = (
    Arm.DIRECT,
    Arm.SELF_REFERENCE,
    Arm.REFERENCE,
    Arm.WRONG_REFERENCE,
)  # `paper` costs as much as all of them
FILE_ARMS = ("self-reference",)
PAIRS = 300  # of the little world
OUT = Path("agreement")


def agreement(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="JSON lines of {id, prompt, answer_a, answer_b, human_label, meta?}.  "
            "[dim]default: the little world[/dim]",
        ),
    ] = None,
    set_: Annotated[
        list[PublicSet] | None,
        typer.Option("--set", help="a public set beside FILES, fetched from its publisher into --out; may be repeated"),
    ] = None,
    world: Annotated[
        Split | None,
        typer.Option(
            help="side of the little world: questions trained on, or never seen.  [dim]default: heldout[/dim]"
        ),
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(min=1, help=f"pairs of the little world, the same in every arm.  [dim]default: {PAIRS}[/dim]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="draws the little world's pairs, and the resamples")] = 0,
    arms: Annotated[
        str | None,
        typer.Option(
            help=f"separated by commas: of {', '.join(Arm)} for the little world, of {', '.join(labelled.ARMS)} for "
            "files, of JUDGE/STRATEGY for recorded judges. With votes: NAME@8, NAME@auto, NAME@auto:4 (at most 4); "
            "recorded: JUDGE@2, all@auto.  [dim]default: all but `paper`; self-reference; all[/dim]"
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help=f"of --arms: what the others' accuracy and calls are held against.  [dim]default: {BASELINE}[/dim]"
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="count by this field of `meta`; may be repeated.  [dim]default: those with few values[/dim]"),
    ] = None,
    recorded: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="ask nobody: count what judges said of FILES elsewhere"),
    ] = None,
    model: JudgeModel = None,
    engine_url: EngineUrl = None,
    url: AskedUrl = None,
    api_key: ApiKey = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="read the odds on the scales of this file of `selfref calibrate`"
        ),
    ] = None,
    concurrency: AtOnce = 64,
    resamples: Annotated[int, typer.Option(min=100, help="of the bootstrap")] = RESAMPLES,
    out: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="folder for answers and reports; the same one again goes on where a run ended.  "
            "[dim]default: ./agreement for files that are asked about[/dim]",
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="write the report to this file")] = None,
    plot: Annotated[
        Path | None, typer.Option(dir_okay=False, help="draw the reliability diagrams (needs the extra `plots`)")
    ] = None,
) -> None:
    """How well the judge agrees with known labels, how consistent it is, and whether a reference helps it."""
    _require_one("each names who judges", url=url, model=model, engine_url=engine_url, recorded=recorded)
    _require_one("each names the pairs", files=files or set_, world=world)
    _require_one("recorded judges have no odds", calibration=calibration, recorded=recorded)
    _require_one("files are judged whole", files=files or set_, pairs=pairs)
    if set_:
        files = [*(files or ()), *fetch_sets(set_, (out or OUT) / "sets")]
    if recorded is not None and len(files or ()) != 1:
        stop(WRONG_USE, "--recorded needs the file of the pairs that were judged", advice="Name that one file.")
    scales = _calibrations(calibration)
    sets = _sets(files, world or Split.HELD_OUT, pairs=pairs or PAIRS, by=by or (), seed=seed)
    if out is None and files and recorded is None:
        out = OUT  # what was paid for is kept without being asked to
    _require_places(sets, out=out, json=json, plot=plot)
    if baseline is not None and baseline not in (arms or "").split(","):
        raise typer.BadParameter("is not among --arms", param_hint="--baseline")
    if recorded is not None:
        answers = [_recorded(recorded, sets[0], arms)]
    else:
        known = labelled.ARMS if files else tuple(Arm)
        chosen = _arms(
            arms,
            known=known,
            voters=[name for name in known if name != Arm.PAPER],  # which has rounds of its own
            otherwise=FILE_ARMS if files else WORLD_ARMS,
        )
        settings = StackSettings(
            data_dir=(out or Path()).absolute() / "stack",
            port=0,
            model=model and model.absolute(),
            engine_url=engine_url,
        )
        answers = ask(sets, chosen, settings, url=url, api_key=api_key, out=out, at_once=concurrency)
    if scales is not None:
        answers = [{arm: rescaled(each, scales) for arm, each in found.items()} for found in answers]
    for one, found in zip(sets, answers, strict=True):
        made = _report(one, found, baseline=baseline or BASELINE, count=resamples, seed=seed, recorded=recorded)
        _write(made, out=out, name=one.name, json=json, plot=plot)  # first: a terminal may have gone away meanwhile
        terminal.print(tables(made))
    if out is not None:
        err.print(f"written to {out}/", style="dim")


def _calibrations(file: Path | None) -> Calibrations | None:
    try:
        return None if file is None else load_calibrations(file)
    except UnusableCalibration as error:
        stop(WRONG_USE, str(error))


def _sets(files: Sequence[Path] | None, world: Split, *, pairs: int, by: Sequence[str], seed: int) -> list[Set]:
    if not files:
        return [world_set(world, pairs=pairs, seed=seed)]
    try:
        return [file_set(path, by=by, seed=seed) for path in files]
    except (BadLines, OSError) as error:
        stop(WRONG_USE, str(error), advice="Mend the file; nothing was asked.")


def _recorded(path: Path, one: Set, arms: str | None) -> Answers:
    try:
        replies = recorded_replies(path, one.cases)
    except (BadLines, OSError) as error:
        stop(WRONG_USE, str(error), advice="Name the file of the pairs that these judges were asked about.")
    chosen = _arms(arms, known=replies, voters=judges_of(replies), otherwise=list(replies))
    try:
        return {arm: [Asked(row) for row in rows_of(replies, read_arm(arm), one.cases)] for arm in chosen}
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--arms") from None


def _report(one: Set, answers: Answers, *, baseline: str, count: int, seed: int, recorded: Path | None) -> Dump:
    more = {"recorded": recorded.name} if recorded else {}
    return report(
        {arm: [each.row for each in found] for arm, found in answers.items()},
        provenance={arm: _distinct(found) for arm, found in answers.items()},
        settings={**one.settings, "arms": list(answers), "resamples": count, **more},
        count=count,
        seed=seed,
        published=published_for(one.ids),
        baseline=baseline,
    )


def _write(made: Dump, *, out: Path | None, name: str, json: Path | None, plot: Path | None) -> None:
    try:
        if out is not None:
            write_folder(made, out, name=name)
        if json is not None:
            write_json(made, json)
        if plot is not None:
            from selfref.bench.agreement.plot import draw_reliability

            draw_reliability(made, plot)
    except OSError as error:
        stop(FAILED, f"the report could not be written: {error}", advice="The same command again asks nothing twice.")


def _arms(text: str | None, *, known: Iterable[str], voters: Iterable[str], otherwise: Sequence[str]) -> list[str]:
    """The arms named, each once, in the order given; `voters` are the names that may be asked more than once."""
    if text is None:
        return [str(name) for name in otherwise]
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    try:
        arms = [read_arm(name) for name in names]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--arms") from None
    for voted, all_known in ((False, known), (True, voters)):
        those = [str(name) for name in all_known]
        unknown = [arm.name for arm in arms if (arm.votes is not None) is voted and arm.name not in those]
        if unknown:
            what = "with votes, known are" if voted else "known are"
            raise typer.BadParameter(f"{', '.join(map(repr, unknown))}: {what} {', '.join(those)}", param_hint="--arms")
    return names


def _require_one(why: str, **given: object) -> None:
    named = [_option(name) for name, value in given.items() if value is not None]
    if len(named) > 1:
        stop(WRONG_USE, f"{' and '.join(named)} are both given", advice=f"Keep one: {why}.")


def _option(name: str) -> str:
    return "FILES" if name == "files" else f"--{name.replace('_', '-')}"


def _require_places(sets: Sequence[Set], *, out: Path | None, json: Path | None, plot: Path | None) -> None:
    """What would only fail after all has been asked fails here."""
    if len({one.name for one in sets}) < len(sets):
        stop(WRONG_USE, "two files have the same name", advice="Their results would have one too; rename one of them.")
    for name, file in (("--json", json), ("--plot", plot)):
        if file is not None and len(sets) > 1:
            stop(WRONG_USE, f"{name} takes one report, and there are {len(sets)}", advice="Give --out a folder.")
        if file is not None and not file.absolute().parent.is_dir():
            stop(WRONG_USE, f"there is no folder {file.absolute().parent}", advice="Make it, or name another file.")
    if plot is not None and not can_draw():
        stop(WRONG_USE, "--plot needs matplotlib, which is not installed", advice="pip install 'selfref[plots]'")
    try:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        stop(WRONG_USE, f"{out} cannot be made: {error.strerror}", advice="Name another with --out.")


def _distinct(answers: Sequence[Asked]) -> list[dict[str, Any]]:
    """The different provenances of an arm's judgments: one, unless the engine changed meanwhile."""
    found: dict[str, Provenance] = {
        each.judgment.provenance.digest(): each.judgment.provenance for each in answers if each.judgment is not None
    }
    return [each.model_dump(mode="json") for each in found.values()]
