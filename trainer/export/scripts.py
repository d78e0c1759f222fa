"""The commands of both stages as shell scripts, which run wherever the folder is put; no I/O.

Values are those of arXiv 2406.11190's published scripts where these say something: learning rates, batches, lengths,
warm-up and betas of the reward model; KL, λ, γ, clipping, lengths, episodes and the critic's start of PPO. Flags are
those of OpenRLHF 0.11.2, against whose parsers `tests/trainer/export` holds what is written here.
"""

import shlex
from pathlib import Path

from trainer.export.settings import VERSION, ExportSettings

TRAIN, HELDOUT, PROMPTS = "preferences/train.jsonl", "preferences/heldout.jsonl", "prompts.jsonl"
TEMPLATE, LOADABLE = "chat_template.jinja", "loadable.py"
REWARD_MODEL, POLICY = "reward-model", "policy"

Flag = tuple[str, ...]  # its name, and its values as the shell's words

_HEAD = """#!/usr/bin/env bash
# {what}, by OpenRLHF {version} on one machine with {gpus} GPUs. README.md says what it needs.
# Usage: {name} [FOLDER], that of {model}
set -euo pipefail

stop() {{
    printf 'error: %s\\n' "$1" >&2
    exit 2
}}

here=$(CDPATH='' cd -- "$(dirname -- "${{BASH_SOURCE[0]}}")" && pwd -P)
if (($#)); then model=$1; else model={folder}; fi

[[ $here != *[,@*?[]* && $here != *::* ]] || stop "OpenRLHF reads no files beneath $here; rename it: no , @ * ? [ ::"
[[ -d $model ]] || stop "$model is no folder; give that of {model} to $0"
[[ ! -e $here/{made}/config.json ]] || stop "$here/{made} is there already; to train once more, move it away"
"""
_NEEDS_REWARD_MODEL = (
    f'[[ -e $here/{REWARD_MODEL}/config.json ]] || stop "there is no $here/{REWARD_MODEL}; run reward-model.sh first"\n'
)


def reward_model_script(base: Path, settings: ExportSettings, *, heldout: bool, padding: int) -> str:
    """Trains the reward model and makes it one that transformers loads.

    `heldout` is whether there is a pair to measure on; without one OpenRLHF takes mean and deviation of the scores
    from what it has learnt from. `padding` is the token that a reward model skips.
    """
    head = _head("The reward model", "reward-model.sh", base, REWARD_MODEL, settings, model="the base model")
    launcher = f"deepspeed --num_gpus {settings.gpus} --module openrlhf.cli.train_rm"
    loadable = f'python "$here/{LOADABLE}" "$here/{REWARD_MODEL}" {padding}\n'
    return f"{head}\n{_command(launcher, reward_model_flags(settings, heldout=heldout))}\n{loadable}"


def ppo_script(policy: Path, settings: ExportSettings, *, prompts: int) -> str:
    """Trains the policy against the reward model; `prompts` is how many there are in the file."""
    head = _head("PPO with a critic", "ppo.sh", policy, POLICY, settings, model="the policy to start from")
    command = _command("python -m openrlhf.cli.train_ppo_ray", ppo_flags(settings, prompts=prompts))
    return f"{head}{_NEEDS_REWARD_MODEL}\n{command}"


def reward_model_flags(settings: ExportSettings, *, heldout: bool) -> list[Flag]:
    """Of `openrlhf.cli.train_rm`."""
    return [
        ("--model.model_name_or_path", '"$model"'),
        ("--ckpt.output_dir", _here(REWARD_MODEL)),
        ("--ckpt.path", _here("checkpoints/reward-model")),
        ("--data.dataset", _here(TRAIN)),
        ("--eval.dataset", _here(HELDOUT if heldout else TRAIN)),  # which gives the config its mean and std
        ("--data.prompt_key", "prompt"),
        ("--data.chosen_key", "chosen"),
        ("--data.rejected_key", "rejected"),
        ("--data.apply_chat_template",),
        ("--data.tokenizer_chat_template", f'"$(cat -- {_here(TEMPLATE)})"'),
        ("--data.max_len", str(settings.longest)),
        ("--model.loss_type", "sigmoid"),
        *([("--model.margin_loss_enable",)] if settings.margin else []),
        ("--model.compute_fp32_loss_enable",),
        ("--model.gradient_checkpointing_enable",),
        ("--train.batch_size", str(settings.reward_batch)),
        ("--train.micro_batch_size", str(settings.micro_batch)),
        ("--train.max_epochs", "1"),
        ("--train.seed", str(settings.seed)),
        ("--adam.lr", "1e-5"),
        ("--adam.betas", "0.9", "0.95"),
        ("--lr_scheduler", "cosine"),
        ("--lr_warmup_ratio", "0.03"),
        ("--ds.zero_stage", "3"),
        ("--ds.param_dtype", "bf16"),
        ("--ds.value_head_prefix", "score"),
    ]


def ppo_flags(settings: ExportSettings, *, prompts: int) -> list[Flag]:
    """Of `openrlhf.cli.train_ppo_ray`, all models on the same GPUs."""
    gpus = str(settings.gpus)
    places = [(f"--{model}.num_nodes", "1") for model in ("actor", "ref", "critic", "reward")]
    shares = [(f"--{model}.num_gpus_per_node", gpus) for model in ("actor", "ref", "critic", "reward")]
    return [
        ("--actor.model_name_or_path", '"$model"'),
        ("--reward.model_name_or_path", _here(REWARD_MODEL)),
        ("--critic.model_name_or_path", _here(REWARD_MODEL)),
        ("--ckpt.output_dir", _here(POLICY)),
        ("--ckpt.path", _here("checkpoints/ppo")),
        ("--data.prompt_dataset", _here(PROMPTS)),
        ("--data.input_key", "prompt"),
        ("--data.apply_chat_template",),
        # Whole batches only: GPUs that get no part of the last one would leave the others waiting for them.
        ("--data.max_samples", str(prompts // settings.batch * settings.batch)),
        ("--data.max_len", str(settings.longest)),
        ("--rollout.max_new_tokens", str(settings.answer_tokens)),
        ("--rollout.n_samples_per_prompt", "1"),
        ("--rollout.temperature", "1.0"),  # with top_p 1: the answers are those of the policy whose ratio is taken
        ("--rollout.top_p", "1.0"),
        ("--rollout.batch_size", str(settings.batch)),
        ("--rollout.micro_batch_size", str(settings.micro_batch)),
        ("--train.batch_size", str(settings.batch)),
        ("--train.micro_batch_size", str(settings.micro_batch)),
        ("--train.num_episodes", str(settings.episodes)),
        ("--train.max_epochs", "1"),
        ("--train.seed", str(settings.seed)),
        ("--algo.advantage.estimator", "gae"),
        ("--algo.advantage.gamma", "1.0"),
        ("--algo.advantage.lambd", "0.95"),
        ("--algo.kl.init_coef", "0.01"),
        ("--algo.kl.estimator", "k1"),
        ("--actor.eps_clip", "0.2"),
        ("--critic.value_clip", "0.2"),
        ("--actor.adam.lr", "1e-6"),
        ("--critic.adam.lr", "5e-6"),
        ("--reward.normalize_enable",),
        ("--reward.stop_properly_penalty_coef", "-1.0"),  # the score of an answer without end-of-text means nothing
        *places,
        *shares,
        ("--train.colocate_all",),
        ("--vllm.num_engines", gpus),
        ("--vllm.tensor_parallel_size", "1"),
        ("--vllm.gpu_memory_utilization", "0.5"),
        ("--vllm.sync_backend", "nccl"),
        ("--vllm.enable_sleep",),
        ("--ds.enable_sleep",),
        ("--actor.gradient_checkpointing_enable",),
        ("--ds.zero_stage", "3"),  # under another, transformers 5 loses the reward model's mean and std
        ("--ds.param_dtype", "bf16"),
        ("--ds.value_head_prefix", "score"),
    ]


def _head(what: str, name: str, folder: Path, made: str, settings: ExportSettings, *, model: str) -> str:
    return _HEAD.format(
        what=what,
        name=name,
        version=VERSION,
        gpus=settings.gpus,
        folder=shlex.quote(str(folder)),
        made=made,
        model=model,
    )


def _here(path: str) -> str:
    return f'"$here/{path}"'


def _command(launcher: str, flags: list[Flag]) -> str:
    return " \\\n    ".join([launcher, *(" ".join(flag) for flag in flags)]) + "\n"
