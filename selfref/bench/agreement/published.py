"""What others published for sets that people know, to stand beside ours; no figure here was measured by this project.

A published accuracy stands under the figure of ours whose definition it shares. That it can be compared needs the
whole set: another draw of pairs has other figures.
"""

from collections.abc import Sequence
from typing import Any

LLMBAR = "LLMBar, arXiv 2310.07641; judges' replies in its repository, strategy Vanilla_NoRules"
PANDALM = "PandaLM, arXiv 2306.05087; its test set"
HHH = "Prometheus, arXiv 2310.08491, on HHH alignment"

_FIGURES: dict[str, tuple[int, tuple[dict[str, Any], ...]]] = {  # by the ids' beginning: rows of the whole set, figures
    "llmbar-": (
        419,
        (
            {
                "judge": "Llama-2-70B-chat",
                "source": LLMBAR,
                "accuracy_mean": 0.395,
                "accuracy_both": 0.282,
                "order_agreement": 0.771,
                "first_slot_rate": 0.571,
            },
            {
                "judge": "GPT-4",
                "source": LLMBAR,
                "accuracy_mean": 0.765,
                "accuracy_both": 0.721,
                "order_agreement": 0.912,
                "first_slot_rate": 0.501,
            },
            {"judge": "people", "source": LLMBAR, "accuracy_mean": 0.94},
        ),
    ),
    "pandalm-": (
        999,
        (
            {"judge": "gpt-3.5-turbo", "source": PANDALM, "accuracy_exact": 0.698},
            {"judge": "PandaLM-7B", "source": PANDALM, "accuracy_exact": 0.668},
        ),
    ),
    "hhh-": (
        221,
        (
            {"judge": "GPT-4", "source": HHH, "accuracy_net": 0.887},
            {"judge": "Prometheus-13B", "source": HHH, "accuracy_net": 0.792},
        ),
    ),
}


def published_for(ids: Sequence[str]) -> list[dict[str, Any]]:
    """The figures published for the set whose rows these are; none for a set that is not known, or a part of one."""
    for beginning, (rows, found) in _FIGURES.items():
        if len(ids) == rows and all(each.startswith(beginning) for each in ids):
            return list(found)
    return []
