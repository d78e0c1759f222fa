"""Where the judge is, and the progress bar while it judges: every set on one service, each with its own ledger."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from selfref.bench.agreement.ledger import Ledger, UnusableLedger, ledger_at
from selfref.bench.agreement.run import Asked, all_kept, ask_all
from selfref.bench.agreement.sets import Set
from selfref.cli.exit_codes import FAILED, WRONG_USE
from selfref.cli.own_stack import on_kept_stack, on_own_stack, run_explained
from selfref.cli.terminal import err, stop
from selfref.client import AsyncClient
from selfref.stack.parts import StackSettings

Answers = dict[str, list[Asked]]  # by arm, in the order of the set's pairs


def ask(
    sets: Sequence[Set],
    arms: Sequence[str],
    settings: StackSettings,
    *,
    url: str | None,
    api_key: str | None,
    out: Path | None,
    at_once: int,
) -> list[Answers]:
    """Every pair in every arm: from `out` where all are there, else from the service at `url`, or a stack of our own.

    That stack is made of `settings`; with `out` its data stay, so that a killed run is gone on with. Ends the command,
    with what to do, where answers cannot be had or kept.
    """

    async def there() -> list[Answers]:
        async with AsyncClient(url or "", api_key=api_key) as client:
            return await here(client)

    async def here(client: AsyncClient) -> list[Answers]:
        return await _ask(client, sets, arms, out=out, at_once=at_once)

    try:
        if out is not None and (kept := _kept_answers(sets, arms, out)) is not None:
            return kept
        if url:
            return run_explained(there(), url=url)
        return run_explained(on_own_stack(settings, here) if out is None else on_kept_stack(settings, here), url=None)
    except UnusableLedger as error:
        stop(WRONG_USE, str(error))
    except OSError as error:
        stop(FAILED, f"answers could not be kept: {error}", advice="Make room; the same command again goes on.")


def _kept_answers(sets: Sequence[Set], arms: Sequence[str], out: Path) -> list[Answers] | None:
    """What an earlier run left, if nothing of it is missing."""
    found = []
    for each in sets:
        if not _file(out, each).exists():
            return None
        with _kept(out, each) as ledger:
            answers = all_kept(each.cases, arms, ledger=ledger)
        if answers is None:
            return None
        found.append(answers)
    return found


async def _ask(
    client: AsyncClient, sets: Sequence[Set], arms: Sequence[str], *, out: Path | None, at_once: int
) -> list[Answers]:
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with (
        ExitStack() as open_files,
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        ledgers = [Ledger.in_memory() if out is None else open_files.enter_context(_kept(out, each)) for each in sets]
        bar = progress.add_task("judging", total=sum(len(each.cases) for each in sets) * len(arms))
        return [
            await ask_all(
                client,
                each.cases,
                arms,
                ledger=ledger,
                at_once=at_once,
                done=lambda: progress.advance(bar),
            )
            for each, ledger in zip(sets, ledgers, strict=True)
        ]


def _kept(out: Path, one: Set) -> AbstractContextManager[Ledger]:
    return ledger_at(_file(out, one))


def _file(out: Path, one: Set) -> Path:
    return out / f"{one.name}.results.jsonl"
