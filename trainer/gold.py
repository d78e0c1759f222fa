"""The judge as gold: what it thinks of a policy in training, beside what the reward model thinks.

A policy can learn what its reward model likes and nobody else does. So every now and then its answers to fixed prompts
are judged against those of the policy that it began as; when the judge likes them less than it did while their score
still rises, training goes back to where the judge liked them most.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import orjson

from selfref.client import Client
from selfref.durable import whole_file
from selfref.exports.preferences import Turn
from selfref.messages import Job, Verdict
from trainer.errors import TrainingError
from trainer.on_policy.pairs import answers, lines
from trainer.ppo.observer import Action, State

PATIENCE = 2  # checks since the one that the judge liked most, before training may be rolled back


@dataclass(frozen=True, slots=True)
class Check:
    """What the judge thought after an update; ties and equal answers are half a win, an empty answer loses unasked."""

    update: int
    win_rate: float
    judged: int  # pairs of different answers that were judged
    equal: int  # prompts that both policies gave the same answer to
    failed: int  # left out of the win rate
    score: float  # of the reward model in the same update

    @property
    def chance(self) -> float:
        """The win rate's standard error, as if a coin had won each pair that was judged."""
        return math.sqrt(self.judged) / 2 / max(self.judged + self.equal, 1)


class JudgeAsGold:
    """An observer of PPO that asks a running service."""

    def __init__(
        self, client: Client, prompts: Sequence[list[Turn]], log: Path, *, answer_tokens: int, patience: int = PATIENCE
    ) -> None:
        """`log` gets a line of JSON for each check, and tells a run that was killed of those before."""
        self._client = client
        self._prompts = prompts
        self._log = log
        self._answer_tokens = answer_tokens
        self._patience = patience

    def __call__(self, update: int, state: State) -> Action:
        """Raises SelfrefError where the service cannot be had, and TrainingError where it judges nothing."""
        checks = [each for each in read_checks(self._log) if each.update < update]
        checks.append(self._check(update, state))
        with whole_file(self._log) as file:
            file.writelines(orjson.dumps(asdict(each)) + b"\n" for each in checks)
        if checks[-1] is best(checks):
            return Action.KEEP
        return Action.ROLL_BACK if hacked(checks, patience=self._patience) else Action.CONTINUE

    def _check(self, update: int, state: State) -> Check:
        ours, theirs = (
            answers(network, self._prompts, state.tokens, answer_tokens=self._answer_tokens, seed=0)
            for network in (state.policy, state.reference_policy)
        )
        differing = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
        equal = len(ours) - len(differing)
        silent = [bool(mine) for mine, other in differing if not (mine and other)]  # whether the other is empty
        contested = list(lines(self._prompts, ours, theirs))
        verdicts = self._verdicts(contested) if contested else []
        won = sum(silent) + equal / 2 + sum({Verdict.A: 1.0, Verdict.B: 0.0}.get(each, 0.5) for each in verdicts)
        return Check(
            update,
            win_rate=won / (len(verdicts) + len(silent) + equal),
            judged=len(verdicts),
            equal=equal,
            failed=len(contested) - len(verdicts),
            score=state.metrics["score"],
        )

    def _verdicts(self, contested: Sequence[bytes]) -> list[Verdict]:
        job = judged(self._client, b"".join(contested))
        verdicts = [each.verdict for each in self._client.jobs.results(job.id)]
        if not verdicts:
            raise TrainingError(f"the service judged none of {len(contested)} pairs (job {job.id}); look at its errors")
        return verdicts


def best(checks: Sequence[Check]) -> Check:
    """The one that the judge liked most, of equal ones the first."""
    return max(checks, key=lambda each: each.win_rate)


def hacked(checks: Sequence[Check], *, patience: int) -> bool:
    """True when the judge likes the checks since its best one less, by more than chance, and their score is higher."""
    top = best(checks)
    since = [each for each in checks if each.update > top.update]
    if len(since) < patience:
        return False
    fall = top.win_rate - mean(each.win_rate for each in since)
    return fall > top.chance and mean(each.score for each in since) > top.score


def judged(client: Client, pairs: bytes, *, seen: Callable[[Job], None] = lambda job: None) -> Job:
    """The job of these lines of pairs, once it has ended; `seen` is told of it on the way.

    The same lines are the same job, which is paid once. A policy may say anything, a chat template's own markers too:
    those are judged as text.
    """
    key = hashlib.sha256(pairs).hexdigest()
    job = client.jobs.submit([pairs], idempotency_key=key, markers="escape", max_refused=1.0)
    for latest in client.jobs.follow(job.id):
        seen(job := latest)
    return job


def read_checks(log: Path) -> list[Check]:
    """The checks of a log; none where there is no log."""
    lines = log.read_bytes().splitlines() if log.exists() else []
    return [Check(**orjson.loads(line)) for line in lines]
