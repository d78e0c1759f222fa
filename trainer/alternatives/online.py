"""RLOO and GRPO: several answers to each prompt, learnt from by how their scores differ; by TRL's trainers.

TRL samples from a prompt's turns by the tokenizer's own chat template, which gives the tokens of `Tokens.prompt`, and
loads the reference policy anew from where the policy says that it is from.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import GenerationConfig
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.rloo_config import RLOOConfig
from trl.trainer.rloo_trainer import RLOOTrainer

from selfref.exports.preferences import Turn
from trainer.alternatives.reward_function import charged_without_eos, scored_by
from trainer.alternatives.settings import Algorithm, OnlineSettings
from trainer.plain import PlainTrainer, Trained, arguments, carried_out, parts_of
from trainer.ppo.learner import ADAM_BETAS, load_policy, longest_sequence
from trainer.ppo.order import prompts_of_update
from trainer.ppo.prompts import prompts_as_tokens
from trainer.reward.scoring import RewardModel
from trainer.tokens import Tokens


def train_online(
    policy_folder: Path,
    reward_model: RewardModel,
    prompts: Sequence[list[Turn]],
    settings: OnlineSettings,
    *,
    folder: Path,
) -> Trained:
    """Train on the prompts; `folder` keeps checkpoints from which an interrupted run goes on exactly.

    Raises ModelUnusable and PromptsUnusable, before anything is written but for a reward model that turns out to give
    no numbers, and Diverged.
    """
    policy = load_policy(policy_folder, reward_model)
    longest = longest_sequence(policy, reward_model.network)
    prompts_as_tokens(prompts, reward_model.tokens, answer_tokens=settings.answer_tokens, longest=longest)  # have room
    own = policy.generation_config  # which may end answers by other tokens too, and sample otherwise
    policy.generation_config = _plain(reward_model.tokens)
    trained = carried_out(_trainer(policy, reward_model, prompts, settings, folder=folder), folder)
    trained.network.generation_config = own
    return trained


def _trainer(
    policy: Any, reward_model: RewardModel, prompts: Sequence[list[Turn]], settings: OnlineSettings, *, folder: Path
) -> PlainTrainer:
    tokens = reward_model.tokens
    trainer, config = _BY_TRL[settings.algorithm]
    found: PlainTrainer = trainer(
        model=policy,
        reward_funcs=[
            scored_by(reward_model),
            charged_without_eos(tokens.eos, penalty=settings.missing_eos_penalty),
        ],
        args=config(**_arguments(settings, folder)),
        train_dataset=_in_order(prompts, settings),
        processing_class=tokens.tokenizer,
    )
    return found


class _RLOO(PlainTrainer, RLOOTrainer):
    """RLOO."""


class _GRPO(PlainTrainer, GRPOTrainer):
    """GRPO."""


_BY_TRL: dict[Algorithm, tuple[Any, Any]] = {Algorithm.RLOO: (_RLOO, RLOOConfig), Algorithm.GRPO: (_GRPO, GRPOConfig)}


def _plain(tokens: Tokens) -> GenerationConfig:
    """Only end-of-text ends an answer."""
    return GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=tokens.tokenizer.bos_token_id, eos_token_id=tokens.eos, pad_token_id=tokens.padding
    )


def _in_order(prompts: Sequence[list[Turn]], settings: OnlineSettings) -> Dataset:
    """The prompts of all updates, one after the other, as PPO takes them.

    One pass over them is the run. Of several passes TRL would draw the first order again where a run goes on, and leave
    out what does not fill an update.
    """
    taken = prompts_of_update(1, batch=settings.updates * settings.batch, prompts=len(prompts), seed=settings.seed)
    return Dataset.from_dict({"prompt": [list(turns) for turns in prompts]}).select(taken)


def _arguments(settings: OnlineSettings, folder: Path) -> dict[str, Any]:
    """An update is `epochs` steps of TRL. A run goes on from whole ones only, where TRL has no answers in hand."""
    answers = settings.batch * settings.answers
    return {
        **arguments(
            folder,
            seed=settings.seed,
            saved_every=settings.saved_every * settings.epochs,
            logged_every=settings.epochs,
        ),
        "max_steps": settings.updates * settings.epochs,
        "num_iterations": settings.epochs,
        "num_generations": settings.answers,
        "per_device_train_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": parts_of(answers, micro_batch=settings.micro_batch),
        "shuffle_dataset": False,
        "max_completion_length": settings.answer_tokens,
        "temperature": 1.0,
        "top_p": 1.0,
        "top_k": 0,
        "beta": settings.kl_coef,
        "epsilon": settings.clip_range,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": settings.warm_up * settings.epochs,
        "adam_beta1": ADAM_BETAS[0],
        "adam_beta2": ADAM_BETAS[1],
        "weight_decay": 0.0,
        "max_grad_norm": settings.clip,
    }
