"""`selfref jobs`: files of pairs to the service, and what becomes of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfref.cli.exit_codes import INTERRUPTED, NOT_JUDGED, WRONG_USE
from selfref.cli.judge import Markers, PresetName
from selfref.cli.on_service import on_service
from selfref.cli.options import ApiKey, DataDir, Url
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
AsJson = Annotated[bool, typer.Option("--json", help="Print it as one line of JSON.")]


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="JSON lines, plain or gzip.")],
    follow: Follow = False,
    name: Annotated[str | None, typer.Option(help="What to call the job.")] = None,
    principle: Annotated[str | None, typer.Option(help="For lines that have none.")] = None,
    preset: Annotated[PresetName | None, typer.Option(help="For lines that have none.")] = None,
    votes: Annotated[int | None, typer.Option(help="Sampled critiques per order, for lines that say nothing.")] = None,
    markers: Annotated[Markers | None, typer.Option(help="A chat template's markers in a text.")] = None,
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
    from selfref.cli.terminal import err, stop

    options = {
        "name": name,
        "principle": principle,
        "preset": preset and preset.value,
        "votes": votes,
        "markers": markers and markers.value,
        "max_refused": max_refused,
        "canaries": canaries,
    }
    given = {name: value for name, value in options.items() if value is not None}

    def send(client: "Client") -> "Job":
        try:
            with err.status(f"uploading {file.name}"):
                return client.jobs.submit(file, idempotency_key=idempotency_key, **given)  # type: ignore[arg-type]
        except OSError as error:
            stop(WRONG_USE, f"{file} cannot be read: {error.strerror}")

    with on_service(url, api_key, data_dir) as client:
        job = send(client)
        typer.echo(job.id)
        if follow:
            _follow(client, job.id)
        else:
            err.print(f"accepted; `selfref jobs follow {job.id}` shows its progress", soft_wrap=True)


@app.command("list")
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
    from selfref.cli.terminal import err

    with on_service(url, api_key, data_dir) as client:
        page = client.jobs.page(after, limit=limit)
    for job in page.jobs:
        if as_json:
            typer.echo(job.model_dump_json())
        else:
            print_row(job)
    if page.next is not None:
        err.print(f"older ones: --after {page.next}", soft_wrap=True)


@app.command()
def status(
    job: JobId, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None
) -> None:
    """Show how far a job is."""
    from selfref.cli.job_view import print_job

    with on_service(url, api_key, data_dir) as client:
        found = client.jobs.get(job)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        print_job(found)


@app.command()
def follow(job: JobId, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None) -> None:
    """Show a job's progress until it has ended. Ctrl-C stops looking, not the job."""
    with on_service(url, api_key, data_dir) as client:
        _follow(client, job)


@app.command()
def results(
    job: JobId,
    format_: Annotated[
        ResultFormat, typer.Option("--format", help="Judgments, or labels as a trainer reads them.")
    ] = ResultFormat.JUDGMENTS,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="File to write.  [dim]default: standard output[/dim]"),
    ] = None,
    after: After = None,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Write a job's results so far; it need not have ended. FILE appears under its name only when it is whole."""
    from selfref.cli.job_results import write_results

    with on_service(url, api_key, data_dir) as client:
        write_results(client, job, format_, out=out, after=after)


@app.command()
def errors(
    job: JobId, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None
) -> None:
    """Show every line of a job that was refused, then every one that could not be judged, and why."""
    from selfref.cli.terminal import out, visible

    with on_service(url, api_key, data_dir) as client:
        for error in client.jobs.errors(job):
            if as_json:
                typer.echo(error.model_dump_json())
            else:
                where = f"line {error.line}" + (f" ({error.custom_id})" if error.custom_id else "")
                out.print(visible(f"{where}: {error.code}: {error.message}"), soft_wrap=True)


@app.command()
def cancel(job: JobId, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None) -> None:
    """Stop a job: what is judged stays, everything else of it ends as canceled."""
    from selfref.cli.job_view import print_job

    with on_service(url, api_key, data_dir) as client:
        print_job(client.jobs.cancel(job))


@app.command()
def retry(
    job: JobId, follow: Follow = False, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None
) -> None:
    """Let the failed pairs of a job wait again."""
    from selfref.cli.job_view import print_job

    with on_service(url, api_key, data_dir) as client:
        again = client.jobs.retry(job)
        if follow:
            _follow(client, job)
        else:
            print_job(again)


@app.command()
def delete(job: JobId, url: Url = None, api_key: ApiKey = None, data_dir: DataDir = None) -> None:
    """Forget a job that has ended, its upload and its results. Its labels stay in the feed."""
    with on_service(url, api_key, data_dir) as client:
        client.jobs.delete(job)


def _follow(client: "Client", job_id: str) -> None:
    """Progress on standard error; ends the command with what came of the job where that is no success."""
    from selfref.cli.job_view import print_job, progress
    from selfref.cli.terminal import err
    from selfref.messages import JobStatus

    try:
        last = progress(client.jobs.follow(job_id))
    except KeyboardInterrupt:
        err.print(f"the job goes on; `selfref jobs follow {job_id}` shows it again", soft_wrap=True)
        sys.exit(INTERRUPTED)
    print_job(last)
    if last.status is not JobStatus.COMPLETED or last.counts.failed:
        raise typer.Exit(NOT_JUDGED)
