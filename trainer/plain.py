"""TRL's trainers kept to training, and how a run goes on where it was killed."""

import json
import math
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, Trainer
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from trainer.errors import Diverged, TrainingError
from trainer.processes import sharing, state


@dataclass(frozen=True, slots=True)
class Trained:
    """A network, and what TRL told of it."""

    network: Any
    log: list[dict[str, float]]  # {step, loss, …} of each step, or as often as was asked for
    heldout: dict[str, float] | None = None  # {loss, …} of pairs that it has not learnt from, where there are any


class PlainTrainer(Trainer):
    """In front of one of TRL's trainers: it tells nobody of a run, writes no model card, and ends where it diverges."""

    def create_model_card(self, *arguments: Any, **named: Any) -> None:
        """None."""

    def _send_telemetry(self) -> None:
        """To nobody."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Raises Diverged."""
        super().log(logs, start_time)
        if not math.isfinite(logs.get("grad_norm", 0.0)):
            raise Diverged(f"step {self.state.global_step} has no finite gradient; lower the learning rate")


def carried_out(trainer: PlainTrainer, folder: Path) -> Trained:
    """Train, from the last whole checkpoint in `folder` where there is one. Raises Diverged."""
    _drop_nothing_out(trainer.model)
    trainer.remove_callback(PrinterCallback)  # the report has the steps
    with state().main_process_first():
        checkpoint = _whole_checkpoint(folder)
    with deprecated_question():
        trainer.train(resume_from_checkpoint=checkpoint)
    network = trainer.accelerator.unwrap_model(trainer.model)
    _require_numbers(network)
    return Trained(network=network.eval(), log=[each for each in trainer.state.log_history if "loss" in each])


def _require_numbers(network: Any) -> None:
    """Steps that were not logged may have diverged too. Raises Diverged."""
    if not all(bool(weights.isfinite().all()) for weights in network.parameters()):
        raise Diverged("training left weights that are no numbers; lower the learning rate")


def _drop_nothing_out(network: Any) -> None:
    """TRL stops the layers that drop out; attention does it by a number, which TRL passes over."""
    for module in network.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.0


@contextmanager
def deprecated_question() -> Iterator[None]:
    """TRL asks models by a name that transformers warns of; that is nothing to a user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        yield


def arguments(folder: Path, *, seed: int, saved_every: int, logged_every: int) -> dict[str, Any]:
    """What TRL is told whatever is trained; both counts are of steps."""
    on_gpu = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "seed": seed,
        "data_seed": seed,
        "save_steps": saved_every,
        "save_total_limit": 1,
        "logging_steps": logged_every,
        "report_to": [],
        "disable_tqdm": True,
        "disable_dropout": True,
        "use_cpu": not on_gpu,
        "bf16": on_gpu,
        "activation_checkpointing": on_gpu,
    }


def parts_of(whole: int, *, micro_batch: int) -> int:
    """How many parts each process computes a step in. Raises TrainingError."""
    if whole % (micro_batch * sharing()):
        raise TrainingError(f"{sharing()} processes cannot share {whole} a step in parts of {micro_batch}")
    return whole // (micro_batch * sharing())


def _whole_checkpoint(folder: Path) -> str | None:
    """The last checkpoint whose last file was written; what a kill has left unfinished is removed."""
    while folder.is_dir() and (found := get_last_checkpoint(str(folder))):  # type: ignore[no-untyped-call]
        try:
            json.loads((Path(found) / TRAINER_STATE_NAME).read_bytes())
        except (OSError, ValueError):
            shutil.rmtree(found)
        else:
            return str(found)
    return None
