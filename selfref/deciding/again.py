"""The judgment that the same readings amount to on another scale."""

from selfref.deciding.decision import decide
from selfref.deciding.scale import Scale
from selfref.messages import ODDS_OPPOSE_VOTES, Judgment


def decided_again(judgment: Judgment, *, scale: Scale) -> Judgment:
    """Nothing is asked: texts, readings, usage and times stay. On the scale that it was made on, it is the same."""
    provenance = judgment.provenance.model_copy(
        update={
            "parameters": {**judgment.provenance.parameters, **scale.parameters()},
            "calibration": scale.calibration,
        }
    )
    if not judgment.orders:  # the same text twice, a tie on any scale
        return judgment.model_copy(update={"provenance": provenance})
    decision = decide(judgment.preset, judgment.orders, scale=scale)
    flags = tuple(flag for flag in judgment.flags if flag != ODDS_OPPOSE_VOTES)
    return judgment.model_copy(
        update={
            **decision.told(),
            "flags": (*flags, ODDS_OPPOSE_VOTES) if decision.odds_oppose else flags,
            "provenance": provenance,
        }
    )
