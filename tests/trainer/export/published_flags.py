"""The flags of OpenRLHF's commands, out of its published wheel, as `openrlhf_flags.json` holds them.

    pip download openrlhf==0.11.2 --no-deps
    python -m tests.trainer.export.published_flags openrlhf-0.11.2-*.whl > tests/trainer/export/openrlhf_flags.json

Each command builds its parser in `if __name__ == "__main__":`, from `parser = argparse.ArgumentParser()` to
`parser.parse_args()`. These lines are run as they are, and nothing else of the package, so neither torch nor Ray is
needed. Defaults are left out: some are the time.
"""

import argparse
import ast
import hashlib
import json
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

COMMANDS = ("openrlhf.cli.train_rm", "openrlhf.cli.train_ppo_ray")


def published_flags(wheel: Path) -> dict[str, Any]:
    """Version, origin, and the flags of each command."""
    name, version = wheel.name.split("-")[:2]
    with zipfile.ZipFile(wheel) as opened:
        sources = {command: _source(opened, command) for command in COMMANDS}
    return {
        "package": name,
        "version": version,
        "wheel": {"name": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()},
        "commands": {command: [_flag(action) for action in _parser(source)] for command, source in sources.items()},
    }


def one_flag_a_line(published: dict[str, Any]) -> str:
    """As JSON, in which another version's differences can be read."""
    commands = published.pop("commands")
    head = json.dumps(published | {"commands": {command: [command] for command in commands}}, indent=1)
    for command, flags in commands.items():
        head = head.replace(f'   "{command}"\n', ",\n".join(f"   {json.dumps(flag)}" for flag in flags) + "\n")
    return head + "\n"


def _source(wheel: zipfile.ZipFile, command: str) -> str:
    ending = f"{command.replace('.', '/')}.py"
    (name,) = (each for each in wheel.namelist() if each == ending or each.endswith(f"/purelib/{ending}"))
    return wheel.read(name).decode()


def _parser(source: str) -> list[argparse.Action]:
    (main,) = (each for each in ast.parse(source).body if isinstance(each, ast.If))
    lines: list[ast.stmt] = []
    for statement in main.body:
        if "parse_args" in ast.unparse(statement):
            break
        lines.append(statement)
    names: dict[str, Any] = {"argparse": argparse, "datetime": datetime}
    exec(compile(ast.Module(lines, []), "parser", "exec"), names)  # noqa: S102
    return [each for each in names["parser"]._actions if not isinstance(each, argparse._HelpAction)]


def _flag(action: argparse.Action) -> dict[str, Any]:
    (flag,) = action.option_strings
    return {
        "flag": flag,
        "takes_value": action.nargs != 0,
        "type": getattr(action.type, "__name__", None),
        "nargs": action.nargs,
        "choices": action.choices,
        "required": action.required,
    }


if __name__ == "__main__":
    sys.stdout.write(one_flag_a_line(published_flags(Path(sys.argv[1]))))
