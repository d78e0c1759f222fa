"""`python -m trainer export`: snapshots as files and commands for other trainers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.command import explained
from trainer.export.settings import ExportSettings
from trainer.reward.options import Last

if TYPE_CHECKING:
    from trainer.export.openrlhf import Export

EPILOG = (
    "Exit codes: 0 exported, or done before · 2 the command line is wrong, there is nothing to train on, a model "
    "cannot be used, or OUT holds something else"
)
_DEFAULT = ExportSettings()

export = typer.Typer(no_args_is_help=True, help="Snapshots as files and commands for other trainers.")


@export.callback()
def _export() -> None:
    """Keeps `openrlhf` a command of its own while it is the only one."""


@export.command(epilog=EPILOG)
def openrlhf(
    data: Annotated[Path, typer.Option(file_okay=False, help="The trainer's folder, with its snapshots.")],
    base: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model that the reward model starts from.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Where the export goes.")],
    policy: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder of the chat model to train.  [dim]default: --base[/dim]"),
    ] = None,
    last: Last = None,
    gpus: Annotated[int, typer.Option(min=1, help="Of the machine that trains.")] = _DEFAULT.gpus,
    margin: Annotated[bool, typer.Option(help="Ask for a distance of the label's margin.")] = _DEFAULT.margin,
    longest: Annotated[
        int, typer.Option(min=2, help="Tokens of a prompt with its answer; longer ones are left out.")
    ] = _DEFAULT.longest,
    answer_tokens: Annotated[
        int, typer.Option(min=1, help="Most tokens of an answer in PPO.")
    ] = _DEFAULT.answer_tokens,
    reward_batch: Annotated[int, typer.Option(min=1, help="Pairs a step of the reward model.")] = _DEFAULT.reward_batch,
    batch: Annotated[int, typer.Option(min=1, help="Prompts a step of PPO.")] = _DEFAULT.batch,
    micro_batch: Annotated[int, typer.Option(min=1, help="Computed at once by one GPU.")] = _DEFAULT.micro_batch,
    episodes: Annotated[int, typer.Option(min=1, help="Times that PPO sees every prompt.")] = _DEFAULT.episodes,
    seed: Annotated[int, typer.Option()] = _DEFAULT.seed,
) -> None:
    """Write what OpenRLHF needs for a reward model and PPO: data, both commands, a README and a manifest.

    Defaults are those of arXiv 2406.11190. Nothing is trained, and OpenRLHF need not be installed.
    """
    from trainer.export.openrlhf import export_openrlhf

    with explained():
        settings = ExportSettings(
            longest=longest,
            answer_tokens=answer_tokens,
            margin=margin,
            reward_batch=reward_batch,
            batch=batch,
            micro_batch=micro_batch,
            episodes=episodes,
            gpus=gpus,
            seed=seed,
        )
        typer.echo(told(export_openrlhf(data, base=base, policy=policy or base, out=out, settings=settings, last=last)))


def told(done: "Export") -> str:
    """One line on an export."""
    rows = done.manifest["rows"]
    kept = ", ".join(f"{rows[part]['kept']} {what}" for part, what in _PARTS.items())
    left_out = "; ".join(
        f"left out of {part}: " + ", ".join(f"{number} {reason}" for reason, number in rows[part]["left_out"].items())
        for part in _PARTS
        if rows[part]["left_out"]
    )
    line = f"{done.folder}: {kept}" + (f"; {left_out}" if left_out else "")
    return line if done.anew else f"{line} (was there already)"


_PARTS = {"train": "pairs to train on", "heldout": "pairs held out", "prompts": "prompts"}
