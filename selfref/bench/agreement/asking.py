"""Where the judge is, and the progress bar while it judges: every set on one service, each with its own ledger."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from selfref.bench.agreement.ledger import Ledger, ledger_at
from selfref.bench.agreement.run import Asked, ask_all
from selfref.bench.agreement.sets import Set
from selfref.cli.own_stack import on_kept_stack, on_own_stack, run_explained
from selfref.cli.terminal import err
from selfref.client import AsyncClient
from selfref.stack.parts import StackSettings

Answers = dict[str, list[Asked]]  # by arm, in the order of the set's pairs


def ask_service(
    sets: Sequence[Set], arms: Sequence[str], *, url: str, api_key: str | None, out: Path | None, at_once: int
) -> list[Answers]:
    """Ask the service at `url`; ends the command, with what to do, where it is not there. Raises UnusableLedger."""

    async def there() -> list[Answers]:
        async with AsyncClient(url, api_key=api_key) as client:
            return await _ask(client, sets, arms, out=out, at_once=at_once)

    return run_explained(there(), url=url)


def ask_own_stack(
    sets: Sequence[Set], arms: Sequence[str], settings: StackSettings, *, out: Path | None, at_once: int
) -> list[Answers]:
    """The same on a stack that is started for it; its data stays in `out`, so that a killed run is gone on with."""

    async def here(client: AsyncClient) -> list[Answers]:
        return await _ask(client, sets, arms, out=out, at_once=at_once)

    return run_explained(on_own_stack(settings, here) if out is None else on_kept_stack(settings, here), url=None)


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
    return ledger_at(out / f"{one.name}.results.jsonl")
