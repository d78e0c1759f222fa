"""TRL's RewardTrainer with our loss: the other columns reach it, and language modelling can be added."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import DataCollatorForPreference, RewardTrainer, suppress_seqcls_warning

from trainer.errors import ModelUnusable
from trainer.plain import PlainTrainer, Trained, arguments, carried_out, deprecated_question, parts_of
from trainer.reward.forward import forward
from trainer.reward.loss import language_loss, preference_loss
from trainer.reward.pairs import Pair, columns
from trainer.reward.settings import Loss, RewardSettings
from trainer.tokens import Tokens

LOGGED_EVERY = 10  # steps
LORA_MODULES = "all-linear"
_COLUMNS = ["chosen_ids", "rejected_ids", "prompt_length", "soft", "margin", "weight"]


def train(base: Path, pairs: Sequence[Pair], settings: RewardSettings, tokens: Tokens, *, folder: Path) -> Trained:
    """Train on the pairs; `folder` keeps checkpoints from which an interrupted run goes on exactly.

    Raises ModelUnusable, before anything is written, and Diverged.
    """
    with deprecated_question():
        trainer = _trainer(base, pairs, settings, tokens, folder=folder)
    trained = carried_out(trainer, folder)
    return replace(trained, network=trained.network.merge_and_unload().eval()) if settings.lora_rank else trained


def load_network(base: Path, tokens: Tokens, *, seed: int) -> Any:
    """Any causal-LM folder with a new head that gives one score. Raises ModelUnusable."""
    torch.manual_seed(seed)  # the head is drawn
    try:
        with suppress_seqcls_warning():
            network = AutoModelForSequenceClassification.from_pretrained(
                base, num_labels=1, dtype=torch.float32, local_files_only=True
            )
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"{base} holds no model that can be trained to score: {error}") from error
    network.config.pad_token_id = tokens.padding
    return network


def _trainer(
    base: Path, pairs: Sequence[Pair], settings: RewardSettings, tokens: Tokens, *, folder: Path
) -> "_PreferenceTrainer":
    trainer = _PreferenceTrainer(
        model=load_network(base, tokens, seed=settings.seed),
        args=_arguments(settings, folder),
        data_collator=_Collator(pad_token_id=tokens.padding),
        train_dataset=Dataset.from_dict(columns(pairs, settings)),
        processing_class=tokens.tokenizer,
        peft_config=_lora(settings),
    )
    trainer.centering = settings.centering
    if settings.loss is Loss.PAPER and settings.language > 0:
        trainer.language, trainer.output = settings.language, _output_matrix(base)
    return trainer


class _PreferenceTrainer(PlainTrainer, RewardTrainer):
    """RewardTrainer drops columns that it does not know, and has a loss of its own."""

    centering: float = 0.0
    language: float = 0.0
    output: Tensor | None = None  # the base model's output matrix, (vocabulary, width), which stays as it is

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = _COLUMNS  # type: ignore[assignment]  # which transformers declares as None

    def compute_loss(
        self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        scores, hidden = forward(model, inputs["input_ids"], inputs["attention_mask"], hidden=self.output is not None)
        chosen, rejected = scores.chunk(2)
        loss = preference_loss(
            chosen,
            rejected,
            soft=inputs["soft"],
            margin=inputs["margin"],
            weight=inputs["weight"],
            centering=self.centering,
        )
        if hidden is not None:
            loss = loss + self.language * self._language(hidden, inputs)
        return (loss, {"scores": scores}) if return_outputs else loss

    def _language(self, hidden: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        assert self.output is not None  # noqa: S101 - asked for by its caller only
        half = len(hidden) // 2
        tokens, mask = inputs["input_ids"][:half], inputs["attention_mask"][:half]
        places = torch.arange(tokens.shape[1], device=tokens.device)
        said = (places >= inputs["prompt_length"][:, None]) & (mask > 0)
        return language_loss(hidden[:half], self.output.to(hidden.device), tokens, said)


class _Collator(DataCollatorForPreference):
    """Our columns beside the padded tokens."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch = super().torch_call(examples)
        for name in ("soft", "margin", "weight"):
            batch[name] = torch.tensor([example[name] for example in examples], dtype=torch.float32)
        batch["prompt_length"] = torch.tensor([example["prompt_length"] for example in examples])
        return batch


def _arguments(settings: RewardSettings, folder: Path) -> RewardConfig:
    return RewardConfig(
        **arguments(folder, seed=settings.seed, saved_every=settings.saved_every, logged_every=LOGGED_EVERY),
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.micro_batch,
        gradient_accumulation_steps=parts_of(settings.batch, micro_batch=settings.micro_batch),
        warmup_steps=settings.warm_up,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        max_length=None,  # too long ones are left out before, and counted
    )


def _lora(settings: RewardSettings) -> LoraConfig | None:
    if not settings.lora_rank:
        return None
    return LoraConfig(
        task_type="SEQ_CLS",
        r=settings.lora_rank,
        lora_alpha=2 * settings.lora_rank,
        target_modules=LORA_MODULES,
        modules_to_save=["score"],
    )


def _output_matrix(base: Path) -> Tensor:
    """What the base model makes tokens of its last hidden states with."""
    network = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    matrix: Tensor = network.get_output_embeddings().weight.detach().clone()  # type: ignore[no-untyped-call]
    return matrix
