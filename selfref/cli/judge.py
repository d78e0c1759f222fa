"""`selfref judge`: one pair to the service, its judgment to the terminal."""

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfref.cli.exit_codes import NOT_JUDGED, STILL_WAITING, UNREACHABLE, WRONG_USE
from selfref.cli.options import ApiKey, DataDir, MaxVotes, Url, Votes

if TYPE_CHECKING:
    from selfref.messages import JudgeRequest, Judgment


class PresetName(StrEnum):
    """The presets of `selfref.messages.Preset`, which would cost every `--help` the import of pydantic."""

    SELF_REFERENCE = "self-reference"
    PAPER = "paper"
    DIRECT = "direct"
    REFERENCE = "reference"


class Markers(StrEnum):
    """Refuse the pair, or rewrite the markers so that they are none."""

    REFUSE = "refuse"
    ESCAPE = "escape"


def judge(
    prompt: Annotated[str | None, typer.Option(help="What both answers respond to.")] = None,
    answer_a: Annotated[str | None, typer.Option(help="One answer. It may be empty.")] = None,
    answer_b: Annotated[str | None, typer.Option(help="The other answer.")] = None,
    principle: Annotated[
        str | None, typer.Option(help="What the better answer serves.  [dim]default: best for humanity[/dim]")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Your own reference answer, in place of the judge's.")] = None,
    preset: Annotated[PresetName | None, typer.Option(help="How to judge.")] = None,
    votes: Votes = None,
    max_votes: MaxVotes = None,
    markers: Annotated[
        Markers | None, typer.Option(help="What to do with a chat template's own markers in a text, such as `</s>`.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the judgment.")] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the judgment as one line of JSON.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
    data_dir: DataDir = None,
) -> None:
    """Judge one pair: which answer is better, by how much, and why.

    Give the pair by options, or as a JSON object (the body of `POST /judge`) on standard input; options win over it.

    [dim]selfref judge --prompt "What is 17 + 25?" --answer-a "It is 42." --answer-b "41."[/dim]

    [dim]echo '{"prompt": "Hi", "answer_a": "Hello!", "answer_b": "No."}' | selfref judge --json[/dim]
    """
    from selfref.cli.addresses import service_url_of

    options = {
        "prompt": prompt,
        "answer_a": answer_a,
        "answer_b": answer_b,
        "principle": principle,
        "reference": reference,
        "preset": preset and preset.value,
        "votes": votes,
        "max_votes": max_votes,
        "markers": markers and markers.value,
    }
    request = _request({name: value for name, value in options.items() if value is not None})
    judgment = _judgment(request, url=service_url_of(url, data_dir), api_key=api_key, timeout=timeout)
    if as_json:
        typer.echo(judgment.model_dump_json())
        return
    from selfref.cli.judgment_view import print_judgment

    print_judgment(judgment)


def _request(options: dict[str, Any]) -> "JudgeRequest":
    """The pair from options and standard input; ends the command where it is not a whole one."""
    from pydantic import ValidationError

    from selfref.cli.terminal import stop
    from selfref.messages import JudgeRequest

    needs_input = not {"prompt", "answer_a", "answer_b"} <= options.keys()
    try:
        return JudgeRequest.model_validate((_from_stdin() if needs_input else {}) | options)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'the pair'}: {fault['msg']}" for fault in error.errors())
        stop(WRONG_USE, "; ".join(faults), advice="`selfref judge --help` shows what a pair needs.")


def _from_stdin() -> dict[str, Any]:
    from selfref.cli.terminal import stop

    sent = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    if not sent.strip():
        advice = "Give --prompt, --answer-a and --answer-b, or a JSON object on standard input."
        stop(WRONG_USE, "no whole pair was given", advice=advice)
    try:
        found = json.loads(sent)
    except ValueError as error:
        stop(WRONG_USE, f"standard input is not JSON: {error}", advice="Send one object, as `POST /judge` takes it.")
    if not isinstance(found, dict):
        stop(WRONG_USE, "standard input is JSON, but no object", advice="Send one object, as `POST /judge` takes it.")
    return found


def _judgment(request: "JudgeRequest", *, url: str, api_key: str | None, timeout: float) -> "Judgment":
    """What the service says; ends the command with the exit code that fits where it says no."""
    from selfref.cli.terminal import err, stop
    from selfref.client import Client, SelfrefError

    how = request.model_dump(exclude_unset=True, exclude={"prompt", "answer_a", "answer_b"})
    try:
        with Client(url, api_key=api_key, retries=2) as client, err.status("judging"):
            return client.judge(request.prompt, request.answer_a, request.answer_b, timeout=timeout, **how)
    except SelfrefError as error:
        code, advice = what_to_do(error, url=url)
        stop(code, str(error), advice=advice)
    except ValueError as error:
        stop(WRONG_USE, str(error))


def what_to_do(error: Exception, *, url: str) -> tuple[int, str]:
    """The exit code of an error of the client, and what to tell the user to do about it."""
    from selfref import client

    match error:
        case client.StillWaiting():
            advice = f"It is on the queue: curl {url}/judgments/{error.judgment_id}, or give a longer --timeout."
            return STILL_WAITING, f"{advice} `selfref doctor` tells whether engine and workers are well."
        case client.Unreachable():
            return UNREACHABLE, "Start the service with `selfref up`, or name the right one with --url (SELFREF_URL)."
        case client.UnexpectedReply():
            return UNREACHABLE, "Something else listens there; name the service with --url (SELFREF_URL)."
        case client.NotAuthorized():
            return WRONG_USE, "Give your key with --api-key or SELFREF_API_KEY; `selfref keys new TENANT` makes one."
        case client.JudgmentFailed() | client.JudgmentCanceled():
            again = "Trying again later can help." if error.retryable else "Trying the same pair again will not help."
            return NOT_JUDGED, f"{again} Nothing was labelled. (judgment {error.judgment_id})"
        case client.Unavailable():
            return UNREACHABLE, f"Try again shortly; `selfref doctor` looks for the cause. (request {error.request_id})"
        case client.ProblemError():
            field = f"Mend `{error.param}` and send it again." if error.param else "Mend the request and send it again."
            return WRONG_USE, f"{field} (request {error.request_id})"
    return UNREACHABLE, "`selfref doctor` looks for the cause."
