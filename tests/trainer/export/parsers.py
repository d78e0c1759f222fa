"""Parsers like those of the published OpenRLHF, out of `openrlhf_flags.json`, but stricter: nothing abbreviated."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

PUBLISHED = json.loads((Path(__file__).parent / "openrlhf_flags.json").read_bytes())
_TYPES = {"int": int, "float": float, "str": str}


class Refused(Exception):
    """What OpenRLHF would end with."""


def parsed(command: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What the command is given, by flag without dashes; nothing that is not. Raises Refused."""
    repeated = {each for each in arguments if each.startswith("--") and arguments.count(each) > 1}
    if repeated:
        raise Refused(f"given twice: {repeated}")
    return vars(_parser(PUBLISHED["commands"][command]).parse_args(arguments))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def _parser(flags: list[dict[str, Any]]) -> _Parser:
    parser = _Parser(allow_abbrev=False, add_help=False, argument_default=argparse.SUPPRESS)
    for each in flags:
        if each["takes_value"]:
            kind = _TYPES[each["type"] or "str"]
            options = {"type": kind, "nargs": each["nargs"], "choices": each["choices"], "required": each["required"]}
        else:
            options = {"action": "store_true"}
        parser.add_argument(each["flag"], dest=each["flag"][2:], **options)
    return parser
