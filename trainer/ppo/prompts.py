"""A file of prompts: JSON lines with `prompt`, a text or turns; other columns, as of preference rows, are ignored."""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from selfref.exports.preferences import Turn, turns_of
from selfref.messages import Prompt
from trainer.ppo.errors import PromptsUnusable


class _Line(BaseModel):
    prompt: Prompt


def read_prompts(file: Path) -> list[list[Turn]]:
    """The prompts in their order; empty lines are none. Raises PromptsUnusable."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise PromptsUnusable(f"{file} could not be read: {error}") from error
    return [_turns(line, f"{file}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _turns(line: bytes, place: str) -> list[Turn]:
    try:
        return turns_of(_Line.model_validate_json(line).prompt)
    except ValidationError as error:
        why = error.errors(include_input=False)[0]["msg"]
        raise PromptsUnusable(
            f'{place} is no prompt ({why}); write {{"prompt": "a text"}}, or turns with role and content in its place'
        ) from error
