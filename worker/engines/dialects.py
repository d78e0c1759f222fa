"""How servers that speak OpenAI's chat completions differ where a judge depends on it, and how each is recognised.

A dialect is what its server's source and documentation say; the self-test then tries it. An unknown server gets
`OPENAI`, which asks for nothing beyond the published API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from worker.engines.failures import call
from worker.engines.protocol import LABELS
from worker.errors import EngineFailed, EngineRejected

_EITHER = f"({'|'.join(LABELS)})"
_SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": list(LABELS)}},
    "required": ["verdict"],
    "additionalProperties": False,
}
_JSON_CHOICE = {"response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": _SCHEMA}}}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One server's ways."""

    name: str
    continues: Mapping[str, Any] | None  # fields that make it continue an assistant turn; None: it cannot
    choice: Mapping[str, Any]  # fields that leave it no choice but a label
    choice_is_json: bool = False  # is the constrained answer `{"verdict": "A"}`, asked for in a turn of its own?
    counting: Literal["vllm", "llama.cpp", "tgi", "none"] = "none"
    top_logprobs: int = 20
    takes_label_ids: bool = False  # does it return the log-probs of named token ids, however improbable?


VLLM = Dialect(
    name="vllm",
    continues={"add_generation_prompt": False, "continue_final_message": True},
    choice={"structured_outputs": {"choice": [f" {label}" for label in LABELS]}},
    counting="vllm",
    takes_label_ids=True,
)
SGLANG = Dialect(name="sglang", continues={"continue_final_message": True}, choice={"regex": f" {_EITHER}"})
LLAMA_CPP = Dialect(
    name="llama.cpp",
    continues={},
    choice={"grammar": 'root ::= " " ({})'.format(" | ".join(f'"{label}"' for label in LABELS))},
    counting="llama.cpp",
)
OLLAMA = Dialect(name="ollama", continues=None, choice=_JSON_CHOICE, choice_is_json=True)
TGI = Dialect(
    name="tgi",
    continues={},
    choice={"response_format": {"type": "regex", "value": f" {_EITHER}"}},
    counting="tgi",
    top_logprobs=5,
)
OPENAI = Dialect(name="openai", continues=None, choice=_JSON_CHOICE, choice_is_json=True)


@dataclass(frozen=True, slots=True)
class Recognised:
    """The dialect of a server, and what the route that gave it away told."""

    dialect: Dialect
    told: Mapping[str, Any] = field(default_factory=dict)


_SIGNS: Sequence[tuple[str, str, Dialect]] = (  # a route, a field that only this server has there, the dialect
    ("/get_model_info", "model_path", SGLANG),
    ("/props", "default_generation_settings", LLAMA_CPP),
    ("/api/version", "version", OLLAMA),
    ("/info", "max_total_tokens", TGI),
    ("/version", "version", VLLM),
)


async def recognise(http: httpx2.AsyncClient) -> Recognised:
    """The dialect of the server behind this client, by the first route of its own that answers."""
    for path, sign, dialect in _SIGNS:
        try:
            told = await call(http, "GET", path)
        except (EngineRejected, EngineFailed):
            continue  # not there, or not JSON: another server
        if isinstance(told, dict) and sign in told:
            return Recognised(dialect, told)
    return Recognised(OPENAI)


async def told_by(http: httpx2.AsyncClient, dialect: Dialect) -> Mapping[str, Any]:
    """What the route that gives this dialect away tells now; nothing where it has none."""
    path = next((path for path, _, signed in _SIGNS if signed is dialect), None)
    told = None if path is None else await call(http, "GET", path)
    return told if isinstance(told, dict) else {}


def text_of(told: Mapping[str, Any], key: str) -> str | None:
    """A text among what a server told; None for anything else."""
    value = told.get(key)
    return value if isinstance(value, str) else None
