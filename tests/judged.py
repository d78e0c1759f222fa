"""Judgments as a worker makes them of readings, on any scale, for tests that need no judge."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from selfref.deciding import Scale, decide
from selfref.messages import ODDS_OPPOSE_VOTES, Judgment, OrderReading, Preset, Provenance, Usage

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def judged(
    readings: Sequence[OrderReading],
    *,
    preset: Preset = Preset.DIRECT,
    scale: Scale | None = None,
    provenance: dict[str, Any] | None = None,
    **different: Any,
) -> Judgment:
    """Decided from these readings; `provenance` and further fields as they are given."""
    scale = scale or Scale()
    decision = decide(preset, readings, scale=scale)
    made = {
        "engine": "tgi",
        "model": "m",
        "template": "t",
        "method": "verdict-token",
        "parameters": scale.parameters(),
        "calibration": scale.calibration,
    }
    fields: dict[str, Any] = {
        "id": "j",
        "created_at": MOMENT,
        "finished_at": MOMENT,
        **decision.told(),
        "flags": (ODDS_OPPOSE_VOTES,) if decision.odds_oppose else (),
        "reference": None,
        "principle": "be brief",
        "preset": preset,
        "usage": Usage(),
        "provenance": Provenance(**(made | (provenance or {}))),
    }
    return Judgment(**(fields | different))
