"""Where the judgments are that are to be judged again: a file of results, or a job of a running service."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfref.cli.exit_codes import WRONG_USE
from selfref.cli.on_service import on_service
from selfref.cli.terminal import err, stop
from selfref.rejudging.pairs import NotThePairs, Pairs
from selfref.rejudging.results import Result, UnusableResults, read_results

if TYPE_CHECKING:
    from selfref.client import Client

_JOB = "job-"


@dataclass(frozen=True, slots=True)
class Source:
    """A path or a job's id, and how to reach the service."""

    named: str
    url: str | None
    api_key: str | None
    data_dir: Path | None

    @contextmanager
    def results(self) -> Iterator[Iterator[Result]]:
        """Every line; ends the command, with what to do, where they cannot be had or used, also later in the block."""
        try:
            if not Path(self.named).exists() and self.named.startswith(_JOB):
                with self.service() as client:
                    pages = client.jobs.line_pages(self.named, None, format_="judgments")
                    yield read_results(line for page in pages for line in page.items)
            else:
                with Path(self.named).open("rb") as file:
                    yield read_results(file)
        except FileNotFoundError as error:
            if error.filename != self.named:
                raise
            stop(WRONG_USE, f"there is no file {self.named}", advice="Name a file of results, or a job by its id.")
        except UnusableResults as error:
            stop(WRONG_USE, f"{self.named}, {error}", advice="`selfref jobs results JOB` writes such lines.")
        except NotThePairs as error:
            stop(WRONG_USE, str(error), advice="Give the file that these results were made from; nothing was written.")

    @contextmanager
    def service(self) -> "Iterator[Client]":
        """A client of the service; ends the command where it says no."""
        with on_service(self.url, self.api_key, self.data_dir) as client:
            yield client


def warn_unnamed(texts: Pairs | None) -> None:
    """Say that texts and judgments were matched by line number alone, where they were."""
    if texts is not None and texts.unnamed:
        err.print(
            f"{len(texts.unnamed)} lines have no custom_id: that these texts were judged is taken on trust.",
            soft_wrap=True,
        )
