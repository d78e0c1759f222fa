"""A file of pairs that people have labelled: JSON lines of `{id, prompt, answer_a, answer_b, human_label, meta?}`.

`human_label` is "A", "B" or "tie"; `prompt` a text or chat messages; other fields are let be. A row is judged by its
own `meta.principle` where it has one. Either every line can be asked about, or the file is refused with the numbers of
the lines that cannot: a benchmark on what happened to parse would be another benchmark.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.rows import Known, Lean, longer_of
from selfref.client.conversations import How
from selfref.messages import DEFAULT_PRINCIPLE, JudgeRequest, Preset

ARMS = (Preset.DIRECT, Preset.SELF_REFERENCE, Preset.PAPER)  # preset `reference` needs a reference, which no row has
MOST_GROUPS = 20  # different values of a field that makes groups by itself
LONGEST_NAME = 60  # characters of such a value
_SHOWN = 10  # faulty lines named before the rest is only counted

T = TypeVar("T", bound=BaseModel)


class BadLines(Exception):
    """Lines of a file that cannot be used: what is wrong with which."""

    def __init__(self, path: Path, faults: Sequence[tuple[int, str]]) -> None:
        named = [f"line {number}: {fault}" for number, fault in faults[:_SHOWN]]
        if len(faults) > _SHOWN:
            named.append(f"and {len(faults) - _SHOWN} lines more")
        super().__init__(f"{path} cannot be used\n" + "\n".join(named))
        self.lines = [number for number, _ in faults]


class Labelled(BaseModel):
    """One line as it is read."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: Annotated[str, Field(strict=True, min_length=1, max_length=256)]
    prompt: Any
    answer_a: Any
    answer_b: Any
    human_label: Lean
    meta: Mapping[str, Any] = Field(default_factory=dict)

    def request(self) -> JudgeRequest:
        """The pair as the service takes it; raises ValidationError."""
        principle = self.meta.get("principle", DEFAULT_PRINCIPLE)
        return JudgeRequest.model_validate(
            {"prompt": self.prompt, "answer_a": self.answer_a, "answer_b": self.answer_b, "principle": principle}
        )


def cases_of(path: Path, *, by: Sequence[str]) -> list[Case]:
    """The rows of a file, grouped by these fields of `meta`, or without any by those that fall into few groups.

    Raises BadLines, and OSError where it cannot be read.
    """
    lines = read_lines(path, path.read_bytes(), Labelled)
    requests = _requests(path, lines)
    fields = list(by) or _grouping_fields([row.meta for _, row in lines])
    return [
        Case(
            id=row.id,
            prompt=request.prompt,
            answer_a=request.answer_a,
            answer_b=request.answer_b,
            hows={arm.value: How(principle=request.principle, preset=arm) for arm in ARMS},
            known=Known(
                gold=row.human_label,
                groups={f"meta.{name}": _names(row.meta.get(name)) for name in fields},
                longer=longer_of(request.answer_a, request.answer_b),
            ),
        )
        for (_, row), request in zip(lines, requests, strict=True)
    ]


def read_lines(path: Path, content: bytes, kind: type[T]) -> list[tuple[int, T]]:
    """Every line that is not blank, with its number, as this kind of row. Raises BadLines."""
    found, faults = [], []
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, kind.model_validate_json(line)))
        except ValidationError as error:
            faults.append((number, _told(error)))
    if faults or not found:
        raise BadLines(path, faults or [(1, "there is no row")])
    return found


def _requests(path: Path, lines: Sequence[tuple[int, Labelled]]) -> list[JudgeRequest]:
    first: dict[str, int] = {}
    found, faults = [], []
    for number, row in lines:
        if (before := first.setdefault(row.id, number)) != number:
            faults.append((number, f"id {row.id!r} is that of line {before}; ids name rows, so each is there once"))
        try:
            found.append(row.request())
        except ValidationError as error:
            faults.append((number, _told(error)))
    if faults:
        raise BadLines(path, faults)
    return found


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the line'}: {each['msg']}" for each in error.errors())


def _grouping_fields(metas: Sequence[Mapping[str, Any]]) -> list[str]:
    """The fields whose values are few and short texts, and not all the same."""
    return [name for name in dict.fromkeys(name for meta in metas for name in meta) if _makes_groups(name, metas)]


def _makes_groups(name: str, metas: Sequence[Mapping[str, Any]]) -> bool:
    values = [meta[name] for meta in metas if meta.get(name) is not None]
    if not all(isinstance(value, str) and 0 < len(value) <= LONGEST_NAME for value in values):
        return False
    return 2 <= len(set(values)) <= MOST_GROUPS


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(dict.fromkeys(map(str, value)))
    return (str(value),)
