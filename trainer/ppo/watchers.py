"""Who looks at a run of `python -m trainer ppo`: the judge, where it is asked, and whoever keeps pairs."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.errors import TrainingError
from trainer.ppo.settings import PPOSettings
from trainer.service import client_of

if TYPE_CHECKING:
    from selfref.exports.preferences import Turn
    from trainer.ppo.observer import Observer

JUDGED = "judged.jsonl"  # in a run's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """What the command line says of them."""

    checks: Path | None  # prompts for the judge; None asks no judge
    url: str | None
    api_key: str | None
    pairs: int  # kept at each check

    @contextmanager
    def watching(
        self, prompts: "Sequence[list[Turn]]", settings: PPOSettings, out: Path
    ) -> "Iterator[Observer | None]":
        """The observer of a run into `out`; None where nobody looks. Raises TrainingError, also for the service's."""
        from selfref.client import SelfrefError
        from trainer.gold import JudgeAsGold
        from trainer.on_policy.pairs import PairsOfEachCheck
        from trainer.ppo.observer import seen_by
        from trainer.ppo.prompts import read_prompts

        observers: list[Observer] = []
        judge = None
        with ExitStack() as stack:
            if self.checks is not None:
                asked, client = read_prompts(self.checks), stack.enter_context(client_of(self.url, self.api_key))
                judge = JudgeAsGold(client, asked, out / JUDGED, answer_tokens=settings.answer_tokens)
                observers.append(judge)
            if self.pairs:
                observers.append(PairsOfEachCheck(prompts, out, each=self.pairs, answer_tokens=settings.answer_tokens))
            try:
                yield seen_by(*observers, heeded=judge) if observers else None
            except SelfrefError as error:
                raise TrainingError(
                    f"the judge could not be asked: {str(error).rstrip('.')}. Call again once it can; training goes on "
                    "from its last checkpoint."
                ) from error
