"""A pair in, a judgment out: reference, critique in both orders, verdict in both orders, reconciled.

The method of arXiv 2406.11190. Nothing is retried, guessed or truncated here: whatever keeps the pair from being judged
is raised as a `worker.errors.JudgingFailed`, and no such failure ever becomes a verdict. A task that is canceled simply
stops: engines see their connections close.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from selfref.deciding import settled
from selfref.markers import escape_markers, find_marker
from selfref.messages import ChatMessage, Comparison, Judgment, Markers, Preset, Reference, Usage, Work, storable
from worker.engines.protocol import Engine, Prompt
from worker.errors import EngineFailed, MarkersInModelText, TooLong
from worker.method_settings import MethodSettings
from worker.outcome import Heard, identical_answers, judgment_of, readings_of
from worker.plan import Round, next_rounds, plan_rounds
from worker.prompts import Prompts
from worker.references import References, Written, own_reference

__all__ = ["MethodSettings", "References", "judge"]

_T = TypeVar("_T")

TURN_TOKENS = 64  # a generous guess at what a chat template adds to a turn
NO_ANSWER = "I have no answer to this."  # stands in the chat where the reference is empty: templates refuse empty turns


@dataclass(frozen=True, slots=True)
class _Ground:
    """What one round stands on: its reference, if any, and the chat up to it."""

    chat: tuple[ChatMessage, ...]
    reference: Reference | None
    cut: bool = False
    escaped: bool = False


@dataclass(frozen=True, slots=True)
class _Asking:
    """One round, ready to be asked."""

    work: Work
    round: Round
    ground: _Ground
    prompt: Prompt


async def judge(work: Work, *, engine: Engine, references: References, settings: MethodSettings) -> Judgment:
    """The judgment of this pair; raises `JudgingFailed` where there is none.

    Identical answers are a tie and cost nothing, but where they are what the judge is checked by. Otherwise lengths are
    counted before anything is generated, the references that the rounds need are written or found, and all rounds run
    at the same time; with votes `auto`, those that turn out to be needed follow.
    """
    if work.comparison.answer_a == work.comparison.answer_b and not (work.check and work.check.kind == "aa"):
        return identical_answers(work, engine=engine.describe(), settings=settings)
    rounds = plan_rounds(work)
    if rounds[0].reference is not None:
        await _require_room_for_a_reference(work.comparison, engine=engine, settings=settings)
    grounds, spent = await _grounds(work, rounds, engine=engine, references=references, settings=settings)
    turns = [_turns(work, round_, grounds[round_], prompts=settings.prompts) for round_ in rounds]
    prompts = await _together(*(engine.prepare(turn) for turn in turns))
    for prompt in prompts:
        _require_room(prompt, engine=engine, settings=settings, reference_tokens=0)
    asking = [_Asking(work, round_, grounds[round_], prompt) for round_, prompt in zip(rounds, prompts, strict=True)]
    heard = await _all_heard(asking, engine=engine, settings=settings)
    if work.votes == "auto":
        heard = await _until_settled(asking, heard, engine=engine, settings=settings)
    return judgment_of(work, heard, engine=engine.describe(), settings=settings, spent=spent)


async def _until_settled(
    first: Sequence[_Asking], heard: list[Heard], *, engine: Engine, settings: MethodSettings
) -> list[Heard]:
    """All that was heard, order by order, once more of it would change nothing or the budget is spent.

    `first` asked once in each order; what it stands on and its prompt serve for every later critique of that order.
    """
    work = first[0].work
    by_order = {one.round.first: one for one in first}
    asked = 1
    while not settled(readings_of(work, heard), scale=settings.scale_of(work.preset), left=work.max_votes - asked):
        asking = [replace(by_order[round_.first], round=round_) for round_ in next_rounds(work, asked=asked)]
        heard += await _all_heard(asking, engine=engine, settings=settings)
        asked += 1
    return sorted(heard, key=lambda one: one.round.first)


async def _require_room_for_a_reference(comparison: Comparison, *, engine: Engine, settings: MethodSettings) -> None:
    """Refuse a pair that cannot fit with a reference of full length, before the reference is paid for.

    A pair so short that it fits by its bytes alone is not counted here; its critiques are, as every pair's are.
    """
    turn = ChatMessage(role="user", content=settings.prompts.critique_turn(comparison))
    chat = (*_answered(comparison, NO_ANSWER), turn)
    limit, reference_tokens = engine.describe().max_tokens, settings.reference_tokens
    most = _needed(_most_tokens(chat), engine=engine, settings=settings, reference_tokens=reference_tokens)
    if limit is None or sum(most.values()) <= limit:
        return
    prompt = await engine.prepare(chat)
    _require_room(prompt, engine=engine, settings=settings, reference_tokens=reference_tokens)


def _most_tokens(chat: Sequence[ChatMessage]) -> int:
    """An upper bound of what a tokenizer makes of these texts (no token is shorter than a byte) and their template."""
    return sum(len(message.content.encode()) + TURN_TOKENS for message in chat)


def _require_room(prompt: Prompt, *, engine: Engine, settings: MethodSettings, reference_tokens: int) -> None:
    limit = engine.describe().max_tokens
    if limit is None or prompt.tokens is None:
        return  # an engine that tells neither refuses by itself
    parts = _needed(prompt.tokens, engine=engine, settings=settings, reference_tokens=reference_tokens)
    needed = sum(parts.values())
    if needed > limit:
        raise TooLong(needed=needed, limit=limit, parts={name: count for name, count in parts.items() if count})


def _needed(tokens: int, *, engine: Engine, settings: MethodSettings, reference_tokens: int) -> dict[str, int]:
    """What a critique's prompt of so many tokens takes in all, part by part."""
    return {
        "prompt and answers": tokens,
        "reference": reference_tokens,
        "critique": settings.critique_tokens,
        "verdict": engine.describe().opening_tokens + 1,
    }


async def _grounds(
    work: Work, rounds: Sequence[Round], *, engine: Engine, references: References, settings: MethodSettings
) -> tuple[dict[Round, _Ground], Usage]:
    """What every round stands on, each different reference asked for once, and what writing them cost."""
    comparison = work.comparison
    if work.preset is Preset.DIRECT:
        return dict.fromkeys(rounds, _Ground(chat=(), reference=None)), Usage()
    if work.preset is Preset.REFERENCE:
        reference = Reference(text=comparison.reference or "", source="caller")
        return dict.fromkeys(rounds, _Ground(chat=_answered(comparison, reference.text), reference=reference)), Usage()
    samplings = list(dict.fromkeys(round_.reference for round_ in rounds if round_.reference is not None))
    written = await _together(
        *(
            own_reference(
                comparison.conversation(),
                engine=engine,
                references=references,
                sampling=sampling,
                max_new_tokens=settings.reference_tokens,
                ttl=settings.reference_ttl,
                patience=settings.reference_patience,
            )
            for sampling in samplings
        )
    )
    spent = sum((usage for _, _, usage in written), Usage())
    by_sampling = {
        sampling: _own_ground(work, reference, cached=cached)
        for sampling, (reference, cached, _) in zip(samplings, written, strict=True)
    }
    return {round_: by_sampling[round_.reference] for round_ in rounds if round_.reference is not None}, spent


def _own_ground(work: Work, written: Written, *, cached: bool) -> _Ground:
    text = _quotable(written.text, where="reference", markers=work.markers)
    return _Ground(
        chat=_answered(work.comparison, text),
        reference=Reference(text=text, source="model", cached=cached),
        cut=written.cut,
        escaped=text != written.text,
    )


def _quotable(text: str, *, where: str, markers: Markers) -> str:
    """The model's own text, to be quoted back to it: its markers refused or escaped as the caller chose for all texts.

    Raises EngineFailed for what is no text at all: a small or broken model may write the byte zero.
    """
    try:
        storable(text)
    except ValueError as error:
        raise EngineFailed(f"the model's own {where} {error}") from None
    if markers is Markers.ESCAPE:
        return escape_markers(text)
    if marker := find_marker(text):
        raise MarkersInModelText(marker=marker, where=where)
    return text


def _answered(comparison: Comparison, answer: str) -> tuple[ChatMessage, ...]:
    return (*comparison.conversation(), ChatMessage(role="assistant", content=answer.strip() or NO_ANSWER))


def _turns(work: Work, round_: Round, ground: _Ground, *, prompts: Prompts) -> tuple[ChatMessage, ...]:
    shown = round_.shown(work.comparison)
    content = prompts.critique_turn(shown) if ground.chat else prompts.direct_turn(shown)
    return (*ground.chat, ChatMessage(role="user", content=content))


async def _all_heard(asking: Sequence[_Asking], *, engine: Engine, settings: MethodSettings) -> list[Heard]:
    return await _together(*(_hear(one, engine=engine, settings=settings) for one in asking))


async def _hear(asking: _Asking, *, engine: Engine, settings: MethodSettings) -> Heard:
    """One critique and the verdict that follows it."""
    ground, prompt = asking.ground, asking.prompt
    written = await engine.generate(prompt, sampling=asking.round.sampling, max_new_tokens=settings.critique_tokens)
    critique = replace(written, text=_quotable(written.text, where="critique", markers=asking.work.markers))
    reading = await engine.read_verdict(prompt, critique)
    return Heard(
        round=asking.round,
        reference=ground.reference,
        reference_cut=ground.cut,
        critique=critique,
        reading=reading,
        escaped=ground.escaped or critique.text != written.text,
    )


async def _together(*calls: Coroutine[Any, Any, _T]) -> list[_T]:
    """All results in order; the first failure cancels the rest and is raised as itself.

    No task group: when a child fails, it counts a cancellation of its parent and never takes it back, and under Python
    3.11.2 a timeout later in the same task is then taken for that cancellation.
    """
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
