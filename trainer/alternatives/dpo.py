"""DPO: the policy learns from the labels themselves, without a reward model; by TRL's trainer (arXiv 2305.18290).

    Δ = log π(chosen) − log π_ref(chosen) − [log π(rejected) − log π_ref(rejected)]
    L = −log σ(β·Δ)

TRL has no column for a pair's strength, and none of its losses takes the judge's probability of one pair. So this is
the bare verdict: decided pairs count alike, and ties are left out. Tokens are those of `Tokens`, as the reward model
learns from them; TRL's own would end and space an answer otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from selfref.messages import Label
from trainer.alternatives.settings import DPOSettings
from trainer.causal import load_causal
from trainer.plain import PlainTrainer, Trained, arguments, carried_out, deprecated_question, parts_of
from trainer.ppo.learner import frozen_copy
from trainer.reward.pairs import Pair, Pairs, pairs_of
from trainer.reward.settings import Loss, RewardSettings
from trainer.tokens import Tokens

_OF_THE_PROCESS = ("_runtime", "_per_second", "_num_tokens")  # which differ where a run was killed


def decided_pairs(labels: Iterable[Label], tokens: Tokens, settings: DPOSettings) -> Pairs:
    """The labels that say which of two different answers is better; the others are counted."""
    found = pairs_of(labels, tokens, RewardSettings(loss=Loss.BT, longest=settings.longest))
    kept = [pair for pair in found.kept if pair.chosen != pair.rejected]
    if equal := len(found.kept) - len(kept):
        found.left_out["equal"] = equal
    return Pairs(kept=kept, left_out=found.left_out)


def train_dpo(
    policy_folder: Path,
    teaching: Sequence[Pair],
    testing: Sequence[Pair],
    settings: DPOSettings,
    tokens: Tokens,
    *,
    folder: Path,
) -> Trained:
    """Train, then measure on held-out pairs; `folder` keeps checkpoints from which an interrupted run goes on exactly.

    Raises ModelUnusable, before anything is written, and Diverged.
    """
    policy = load_causal(policy_folder)
    own = policy.generation_config
    trainer = _trainer(policy, teaching, settings, tokens, folder=folder)
    trained = carried_out(trainer, folder)
    trained.network.generation_config = own
    return replace(trained, heldout=_heldout(trainer, testing))


def _trainer(policy: Any, pairs: Sequence[Pair], settings: DPOSettings, tokens: Tokens, *, folder: Path) -> "_DPO":
    return _DPO(
        model=policy,
        ref_model=frozen_copy(policy),  # TRL would load one from where the policy says that it is from
        args=DPOConfig(**_arguments(settings, folder)),
        train_dataset=_columns(pairs),
        processing_class=tokens.tokenizer,
    )


class _DPO(PlainTrainer, DPOTrainer):
    """DPOTrainer would make tokens of texts; ours are made."""

    def _prepare_dataset(self, dataset: Any, *arguments: Any) -> Any:
        return dataset


def _columns(pairs: Sequence[Pair]) -> Dataset:
    """As TRL's collator takes them: it masks the prompt, and joins it to either answer."""
    return Dataset.from_dict(
        {
            "prompt_ids": [pair.chosen[: pair.prompt] for pair in pairs],
            "chosen_ids": [pair.chosen[pair.prompt :] for pair in pairs],
            "rejected_ids": [pair.rejected[pair.prompt :] for pair in pairs],
        }
    )


def _heldout(trainer: _DPO, pairs: Sequence[Pair]) -> dict[str, float] | None:
    """TRL's metrics, {loss, rewards/accuracies, …}, averaged over batches; None without pairs."""
    if not pairs:
        return None
    with deprecated_question():
        found = trainer.evaluate(_columns(pairs))
    return {name.removeprefix("eval_"): value for name, value in found.items() if not name.endswith(_OF_THE_PROCESS)}


def _arguments(settings: DPOSettings, folder: Path) -> dict[str, Any]:
    return {
        **arguments(folder, seed=settings.seed, saved_every=settings.saved_every, logged_every=1),
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": settings.micro_batch,
        "per_device_eval_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": parts_of(settings.batch, micro_batch=settings.micro_batch),
        "loss_type": ["sigmoid"],
        "beta": settings.beta,
        "max_length": None,  # too long ones are left out before, and counted
        "learning_rate": settings.learning_rate,
        "warmup_steps": settings.warm_up,
        "weight_decay": 0.0,
        "max_grad_norm": settings.clip,
    }
