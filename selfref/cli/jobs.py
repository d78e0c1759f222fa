"""`selfref jobs`: files of pairs to the service, and what becomes of them."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfref.cli.exit_codes import FOLLOW_EPILOG, INTERRUPTED, JOBS_EPILOG, NOT_JUDGED, RESULTS_EPILOG, WRONG_USE
from selfref.cli.judge import Markers, PresetName
from selfref.cli.on_service import on_service
from selfref.cli.options import ApiKey, DataDir, MaxVotes, Out, Overwrite, Url, Votes
from selfref.cli.result_format import ResultFormat

if TYPE_CHECKING:
    from selfref.client import Client
    from selfref.messages import Job

app = typer.Typer(no_args_is_help=True, help="Judge a file of pairs: submit it, follow it, read what came of it.")
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
Follow = Annotated[bool, typer.Option("--follow", help="Show its progress until it has ended.")]
After = Annotated[
    str | None, typer.Option(metavar="CURSOR", help="Go on behind this place, which an earlier call told.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@app.command(epilog=FOLLOW_EPILOG)
def submit(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", dir_okay=False, allow_dash=True, help="JSON lines, plain or gzip; - is stdin."),
    ],
    follow: Follow = False,
    name: Annotated[str | None, typer.Option(help="What to call the job.")] = None,
    principle: Annotated[str | None, typer.Option(help="For lines that have none.")] = None,
    preset: Annotated[PresetName | None, typer.Option(help="For lines that have none.")] = None,
    votes: Votes = None,
    max_votes: MaxVotes = None,
    markers: Annotated[
        Markers | None, typer.Option(help="A chat template's markers in a text, for lines that say nothing.")
    ] = None,
    max_refused: Annotated[
        float | None,
        typer.Option(help="Share of lines that may be refused before the job fails.  [dim]default: 0.1[/dim]"),
    ] = None,
    canaries: Annotated[
        float | None, typer.Option(help="Share of hidden checks to add, at most 0.2.  [dim]default: none[/dim]")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same file with the same key is the same job, however often it is sent.")
    ] = None,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Upload a file of pairs, one JSON object a line. Prints the job's id once the upload is safe.

    [dim]selfref jobs submit pairs.jsonl --follow[/dim]
    """
    options = _options(
        name=name,
        principle=principle,
        preset=preset and preset.value,
        votes=votes,
        max_votes=max_votes,
        markers=markers and markers.value,
        max_refused=max_refused,
        canaries=canaries,
    )
    with on_service(url, api_key, data_dir) as client:
        job = _submit(client, file, options, key=idempotency_key)
        typer.echo(job.id)
        if follow:
            _follow(client, job.id)
        else:
            _print_next_steps(job)


@app.command("list", epilog=JOBS_EPILOG)
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most jobs to show.")] = 20,
    after: After = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Show your jobs, the newest first."""
    from selfref.cli.job_view import print_row
    from selfref.cli.terminal import err, out, visible

    with on_service(url, api_key, data_dir) as client:
        page = client.jobs.page(after, limit=limit)
    for job in page.jobs:
        if as_json:
            typer.echo(job.model_dump_json())
        else:
            print_row(job, out)
    if not page.jobs:
        err.print("There is no job.")
    if page.next is not None:
        err.print(visible(f"Older ones: --after {page.next}"), soft_wrap=True)


@app.command(epilog=JOBS_EPILOG)
def status(
    job: JobId, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None
) -> None:
    """Show how far a job is."""
    with on_service(url, api_key, data_dir) as client:
        found = client.jobs.get(job)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        _print(found)


@app.command(epilog=FOLLOW_EPILOG)
def follow(job: JobId, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None) -> None:
    """Show a job's progress until it has ended. Ctrl-C stops following, not the job."""
    with on_service(url, api_key, data_dir) as client:
        _follow(client, job)


@app.command(epilog=RESULTS_EPILOG)
def results(
    job: JobId,
    format_: Annotated[
        ResultFormat, typer.Option("--format", help="Judgments, or labels as a trainer reads them.")
    ] = ResultFormat.JUDGMENTS,
    out: Out = None,
    overwrite: Overwrite = False,
    after: After = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job has ended.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Write a job's results so far; it need not have ended. FILE appears under its name only when it is whole."""
    from selfref.cli.destination import check_destination
    from selfref.cli.job_results import Results, check_parquet, wait_for_end, write_lines, write_parquet

    check_destination(out, overwrite=overwrite)
    if format_ is not ResultFormat.PARQUET:
        with on_service(url, api_key, data_dir) as client:
            lines = Results(client, job, format_, after=after)
            write_lines(lines, lines.to_the_end() if follow else lines.so_far(), out=out)
        return
    check_parquet(out, after=after)
    with on_service(url, api_key, data_dir) as client:
        if follow:
            wait_for_end(client, job)
        write_parquet(client, job, out=out)


@app.command(epilog=JOBS_EPILOG)
def errors(
    job: JobId,
    after: After = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Show every line of a job that was refused, then every one that could not be judged, and why."""
    from selfref.cli.job_view import told
    from selfref.cli.terminal import err, out, visible

    with on_service(url, api_key, data_dir) as client:
        found = client.jobs.errors(job, after)
        for error in found:
            if as_json:
                typer.echo(error.model_dump_json())
            else:
                out.print(told(error), soft_wrap=True)
    err.print(visible(f"What comes later: --after {found.cursor}"), soft_wrap=True)


@app.command(epilog=JOBS_EPILOG)
def cancel(job: JobId, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None) -> None:
    """Stop a job: what is judged stays, everything else of it ends as canceled."""
    with on_service(url, api_key, data_dir) as client:
        _print(client.jobs.cancel(job))


@app.command(epilog=FOLLOW_EPILOG)
def retry(
    job: JobId, follow: Follow = False, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None
) -> None:
    """Let the failed pairs of a job wait again."""
    with on_service(url, api_key, data_dir) as client:
        again = client.jobs.retry(job)
        if follow:
            _follow(client, job)
        else:
            _print(again)


@app.command(epilog=JOBS_EPILOG)
def delete(job: JobId, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None) -> None:
    """Forget a job that has ended, its upload and its results. Its labels stay in the feed."""
    from selfref.cli.terminal import err, visible

    with on_service(url, api_key, data_dir) as client:
        client.jobs.delete(job)
    err.print(visible(f"{job} is deleted; its labels stay in the feed"), soft_wrap=True)


def _options(**given: Any) -> dict[str, Any]:
    """What was chosen; ends the command where the service could not take it."""
    from pydantic import ValidationError

    from selfref.cli.terminal import stop
    from selfref.messages import JobOptions

    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        JobOptions.model_validate(chosen)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'the options'}: {fault['msg']}" for fault in error.errors())
        stop(WRONG_USE, "; ".join(faults), advice="`selfref jobs submit --help` shows the options.")
    return chosen


def _submit(client: "Client", file: Path, options: dict[str, Any], *, key: str | None) -> "Job":
    from selfref.cli.terminal import err, stop

    source: Path | Iterable[bytes] = sys.stdin.buffer if str(file) == "-" else file
    try:
        with err.status("uploading"):
            return client.jobs.submit(source, idempotency_key=key, **options)
    except OSError as error:
        stop(WRONG_USE, f"{file} cannot be read: {error.strerror or error}")


def _follow(client: "Client", job_id: str) -> None:
    """Progress and summary on standard error; ends the command with what came of the job where that is no success."""
    from selfref.cli.job_progress import show_as_it_goes
    from selfref.cli.job_view import print_job, print_next_steps
    from selfref.cli.terminal import err, visible
    from selfref.messages import JobStatus

    try:
        last = show_as_it_goes(client.jobs.follow(job_id), err)
    except KeyboardInterrupt:
        told = (
            f"Following was stopped; the job goes on.\n  selfref jobs follow {job_id}\n  selfref jobs cancel {job_id}"
        )
        err.print(visible(told), soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    print_job(last, err)
    print_next_steps(last, err)
    if last.status is not JobStatus.COMPLETED or last.counts.failed:
        raise typer.Exit(NOT_JUDGED)


def _print(job: "Job") -> None:
    from selfref.cli.job_view import print_job
    from selfref.cli.terminal import out

    print_job(job, out)
    _print_next_steps(job)


def _print_next_steps(job: "Job") -> None:
    from selfref.cli.job_view import print_next_steps
    from selfref.cli.terminal import err

    print_next_steps(job, err)
