"""`selfref rejudge`: stored judgments decided again without a judge, or made again by the same one."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.exit_codes import WRONG_USE
from selfref.cli.options import ApiKey, DataDir, Overwrite, Url

if TYPE_CHECKING:
    from selfref.rejudging.reparse import Rescale


class LabelsFormat(StrEnum):
    """The formats of `selfref.exports.Format`, which would cost every `--help` the import of pydantic."""

    JSONL = "jsonl"
    TRL = "trl"
    OPENRLHF = "openrlhf"
    PARQUET = "parquet"


_DECIDE, _ASK = "With --reparse", "Without --reparse"


def rejudge(
    results: Annotated[
        str,
        typer.Argument(
            metavar="RESULTS", help="JSON lines of `selfref jobs results`, or of single judgments; or a job's id."
        ),
    ],
    reparse: Annotated[
        bool, typer.Option("--reparse", help="Decide again from what is stored: no engine is asked, nothing is paid.")
    ] = False,
    pairs: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The file that was uploaded: the texts of the judgments."),
    ] = None,
    tie_width: Annotated[
        float | None,
        typer.Option(min=0, rich_help_panel=_DECIDE, help="Nats up to which two answers tie, for every judgment."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(rich_help_panel=_DECIDE, help="probability_a = sigmoid(log_odds / temperature), likewise."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(dir_okay=False, rich_help_panel=_DECIDE, help="Both by this file of `selfref calibrate`."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(dir_okay=False, rich_help_panel=_DECIDE, help="Write the labels too (needs --pairs)."),
    ] = None,
    format_: Annotated[
        LabelsFormat, typer.Option("--format", rich_help_panel=_DECIDE, help="Of the labels.")
    ] = LabelsFormat.TRL,
    repeat: Annotated[
        int,
        typer.Option(
            min=1,
            rich_help_panel=_ASK,
            help="Which repetition: the same number is the same job, paid once; another asks the judge anew.",
        ),
    ] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", dir_okay=False, help="Write the new judgments.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Derive judgments again from what is stored of them, or have the same judge judge again: how often does it differ?

    --reparse holds every judgment against its own readings; on another scale it decides them again.
    Without --reparse the pairs are a new job, and the report is its noise floor: what no comparison can see.

    [dim]selfref rejudge results.jsonl --reparse --tie-width 0.5 --out wider.jsonl[/dim]

    [dim]selfref rejudge results.jsonl --pairs pairs.jsonl[/dim]
    """
    from selfref.cli.destination import check_destination
    from selfref.cli.rejudge_again import judge_again
    from selfref.cli.rejudge_reparse import Wanted, reparse_results
    from selfref.cli.rejudge_source import Source
    from selfref.cli.terminal import stop

    for file in (out, labels):
        check_destination(file, overwrite=overwrite)
    if out is not None and out == labels:
        stop(WRONG_USE, "--out and --labels name one file", advice="Name two.")
    if temperature is not None and not 0 < temperature < float("inf"):
        stop(WRONG_USE, "--temperature has to be a number above 0")
    source = Source(results, url=url, api_key=api_key, data_dir=data_dir)
    if reparse:
        if labels is not None and pairs is None:
            stop(WRONG_USE, "--labels needs the texts", advice="Name the file that was uploaded with --pairs.")
        rescale = _rescale(tie_width, temperature, calibration)
        reparse_results(source, rescale, Wanted(out, labels, format_.value), pairs=pairs, as_json=as_json)
        return
    if any(each is not None for each in (tie_width, temperature, calibration, labels)):
        stop(
            WRONG_USE,
            "--tie-width, --temperature, --calibration and --labels decide again from what is stored",
            advice="Add --reparse.",
        )
    if pairs is None:
        stop(
            WRONG_USE,
            "judging again needs the texts",
            advice="Name the file that was uploaded with --pairs; or give --reparse, which asks no engine.",
        )
    judge_again(source, pairs, repeat=repeat, out=out, as_json=as_json)


def _rescale(tie_width: float | None, temperature: float | None, calibration: Path | None) -> "Rescale":
    from selfref.cli.terminal import stop
    from selfref.deciding import UnusableCalibration, load_calibrations
    from selfref.rejudging.reparse import Rescale

    if calibration is None:
        return Rescale(tie_width=tie_width, temperature=temperature)
    if (tie_width, temperature) != (None, None):
        stop(WRONG_USE, "a calibration is a tie width and a temperature", advice="Give --calibration alone.")
    try:
        return Rescale(calibrations=load_calibrations(calibration))
    except UnusableCalibration as error:
        stop(WRONG_USE, str(error))
