"""Real snapshots, and exports of them that are small enough for a test."""

from pathlib import Path

from selfref.messages import Label, Verdict
from tests.trainer.labels import label
from tests.trainer.reward.test_run import friday_is_better
from tests.trainer.snapshots.feeds import ListedFeed, taken
from trainer.export.openrlhf import Export, export_openrlhf
from trainer.export.settings import ExportSettings
from trainer.snapshots.contents import Rules
from trainer.snapshots.taking import Order

SETTINGS = ExportSettings(longest=64, answer_tokens=32, reward_batch=8, batch=8, gpus=2)


def some_labels(count: int = 40) -> list[Label]:
    """Decided pairs, each with a prompt of its own, one of them asked twice; and a tie."""
    tie = label(count, verdict=Verdict.TIE, probability_a=0.5)
    return [*friday_is_better(count), tie, label(count + 1, prompt="What day follows day 1?", answer_a="Friday, Bob.")]


def snapshots_of(data: Path, labels: list[Label], *, heldout_share: float = 0.2) -> Path:
    """A trainer's folder with two snapshots, ties kept."""
    size = (len(labels) + 1) // 2
    taken(data, ListedFeed(labels), Order(size, rest=True), Rules(heldout_share=heldout_share, keep_ties=True))
    return data


def exported(data: Path, policy: Path, out: Path, settings: ExportSettings = SETTINGS, **options: object) -> Export:
    """An export whose base model is the policy."""
    return export_openrlhf(data, base=policy, policy=policy, out=out, settings=settings, **options)
