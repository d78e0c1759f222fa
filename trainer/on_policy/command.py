"""`python -m trainer pairs`: answers of a policy, or of two, as a file that the service judges."""

from pathlib import Path
from typing import Annotated

import typer

from trainer.command import explained, prepare

EPILOG = "Exit codes: 0 written · 2 the command line is wrong, or a model or the prompts cannot be used"


def pairs(
    policy: Annotated[Path, typer.Option(file_okay=False, help="Folder of the chat model that gives answer_a.")],
    prompts: Annotated[Path, typer.Option(dir_okay=False, help='JSON lines {"prompt": a text or turns}.')],
    out: Annotated[Path, typer.Option(dir_okay=False, help="File of pairs, for `selfref jobs submit`.")],
    against: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="Folder of the model that gives answer_b.  [dim]default: the policy again[/dim]"
        ),
    ] = None,
    answer_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")] = 256,
    seed: Annotated[int, typer.Option(help="Draws the answers.")] = 1,
) -> None:
    """Answer each prompt twice, by one policy or by two, and write the pairs of different answers.

    Judged, they are the labels of a first round, or of another one that knows what the policy says by now.
    """
    with explained():
        _write(policy, against or policy, prompts, out, answer_tokens=answer_tokens, seed=seed)


def _write(policy: Path, against: Path, prompts: Path, out: Path, *, answer_tokens: int, seed: int) -> None:
    prepare()
    from selfref.durable import whole_file
    from trainer.causal import load_causal
    from trainer.errors import TrainingError
    from trainer.on_policy.pairs import answers, lines
    from trainer.ppo.prompts import read_prompts
    from trainer.tokens import Tokens

    asked = read_prompts(prompts)
    first, second = (
        answers(load_causal(folder), asked, Tokens.load(folder), answer_tokens=answer_tokens, seed=number)
        for folder, number in ((policy, 2 * seed), (against, 2 * seed + 1))
    )
    found = list(lines(asked, first, second))
    try:
        with whole_file(out) as file:
            file.writelines(found)
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error}") from error
    typer.echo(f"{out}: {len(found)} pairs; {len(asked) - len(found)} prompts have equal answers or an empty one")
