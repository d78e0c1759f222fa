"""Prompts to answer: from a file of JSON lines with `prompt`, a text or turns, and as tokens.

Other columns of the file, as of preference rows, are ignored.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from selfref.exports.preferences import Turn, turns_of
from selfref.messages import Prompt
from trainer.ppo.errors import PromptsUnusable
from trainer.tokens import Tokens


class _Line(BaseModel):
    prompt: Prompt


def read_prompts(file: Path) -> list[list[Turn]]:
    """The prompts in their order; empty lines are none. Raises PromptsUnusable."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise PromptsUnusable(f"{file} could not be read: {error}") from error
    return [_turns(line, f"{file}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]


def prompts_as_tokens(
    prompts: Sequence[list[Turn]], tokens: Tokens, *, answer_tokens: int, longest: int | None
) -> list[list[int]]:
    """Each prompt's tokens, with room for an answer among the `longest` positions. Raises PromptsUnusable."""
    if not prompts:
        raise PromptsUnusable("there is no prompt to answer")
    asked = [tokens.prompt(turns) for turns in prompts]
    for number, prompt in enumerate(asked, start=1):
        if longest is not None and len(prompt) + answer_tokens > longest:
            raise PromptsUnusable(
                f"prompt {number} has {len(prompt)} tokens, which leave no room for {answer_tokens} tokens of an "
                f"answer: the models have {longest} positions; leave it out, or lower answer_tokens"
            )
    return asked


def _turns(line: bytes, place: str) -> list[Turn]:
    try:
        return turns_of(_Line.model_validate_json(line).prompt)
    except ValidationError as error:
        why = error.errors(include_input=False)[0]["msg"]
        raise PromptsUnusable(
            f'{place} is no prompt ({why}); write {{"prompt": "a text"}}, or turns with role and content in its place'
        ) from error
