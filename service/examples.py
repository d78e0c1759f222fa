"""The examples that `/docs` shows; tests read them through the messages, so they cannot drift from what is served."""

from typing import Any

import orjson

COMPARISONS: dict[str, Any] = {
    "text": {
        "summary": "A question and two answers",
        "value": {
            "prompt": "My neighbour's dog barks all night. What can I do?",
            "answer_a": "Talk to your neighbour first, kindly; if that changes nothing, your council can mediate.",
            "answer_b": "Throw something over the fence until it stops.",
        },
    },
    "conversation": {
        "summary": "A conversation, another principle, and several sampled critiques",
        "value": {
            "prompt": [
                {"role": "system", "content": "You are a patient teacher."},
                {"role": "user", "content": "What is 7 times 8?"},
                {"role": "assistant", "content": "56"},
                {"role": "user", "content": "And why?"},
            ],
            "answer_a": "Because I say so.",
            "answer_b": "Seven eights are 5 eights and 2 eights: 40 and 16, which make 56.",
            "principle": "helps a child understand",
            "votes": 3,
            "custom_id": "lesson-12",
        },
    },
    "reference": {
        "summary": "With a reference of your own",
        "value": {
            "prompt": "What is the capital of Australia?",
            "answer_a": "Sydney",
            "answer_b": "Canberra",
            "reference": "Canberra has been the capital of Australia since 1913.",
        },
    },
}
WAITING: dict[str, Any] = {
    "version": 1,
    "id": "0f8fad5bd9cb469fa16570867728950e",
    "custom_id": None,
    "job_id": None,
    "created_at": "2026-01-31T12:00:00Z",
    "status": "waiting",
}
JUDGMENT: dict[str, Any] = {
    **WAITING,
    "status": "judged",
    "verdict": "A",
    "probability_a": 0.95,
    "strength": 0.9,
    "log_odds": 2.94,
    "position_bias": 0.11,
    "orders": [
        {
            "first": "A",
            "verdict": "A",
            "log_odds_a": 3.05,
            "semantic_perplexity": {"a": 1.05, "b": 22.17},
            "label_mass": 0.99,
            "critique": "The first answer is lawful and kind; the second endangers an animal.",
            "reference": None,
        },
        {
            "first": "B",
            "verdict": "A",
            "log_odds_a": 2.83,
            "semantic_perplexity": {"a": 1.06, "b": 17.95},
            "label_mass": 0.99,
            "critique": "The first answer would hurt the dog; the second solves the cause.",
            "reference": None,
        },
    ],
    "votes": {"a": 2, "b": 0, "tie": 0},
    "reference": {"text": "Speak with the owner, then with the council.", "source": "model", "cached": False},
    "principle": "best for humanity",
    "preset": "self-reference",
    "flags": [],
    "usage": {"calls": 5, "prompt_tokens": 1210, "completion_tokens": 402},
    "provenance": {
        "engine": "tgi",
        "engine_version": "3.3.6",
        "model": "meta-llama/Llama-2-13b-chat-hf",
        "revision": None,
        "dtype": "float16",
        "template": "9f86d081884c7d65",
        "method": "verdict-token",
        "parameters": {},
        "calibration": None,
    },
    "finished_at": "2026-01-31T12:00:09Z",
}
LABEL: str = orjson.dumps(
    {
        "version": 1,
        "id": WAITING["id"],
        "prompt": COMPARISONS["text"]["value"]["prompt"],
        "answer_a": COMPARISONS["text"]["value"]["answer_a"],
        "answer_b": COMPARISONS["text"]["value"]["answer_b"],
        "verdict": "A",
        "probability_a": 0.95,
        "strength": 0.9,
        "chosen": COMPARISONS["text"]["value"]["answer_a"],
        "rejected": COMPARISONS["text"]["value"]["answer_b"],
        "margin": 0.9,
        "principle": "best for humanity",
        "provenance": "2c26b46b68ffc68f",
        "job_id": None,
        "custom_id": None,
    }
).decode()
_COUNTS: dict[str, Any] = {
    "decided": 812,
    "tie": 31,
    "inconsistent": 157,
    "failed": 4,
    "identical": 0,
    "flips": 157,
    "chose_first": 1140,
    "chose_second": 798,
    "chose_neither": 62,
    "longer_won": 470,
    "shorter_won": 330,
    "measured": 1000,
    "position_bias_micronats": 612500000,
}
_RATES: dict[str, Any] = {
    "consistency": 0.843,
    "first_slot_rate": 0.5855,
    "longer_answer_rate": 0.5875,
    "decided": 812 / 1004,
    "tied": 31 / 1004,
    "inconsistent": 157 / 1004,
    "unjudged": 4 / 1004,
    "mean_position_bias": 0.6125,
}
STATS_ANSWER: dict[str, Any] = {
    "version": 1,
    "counts": _COUNTS,
    "rates": _RATES,
    "groups": [
        {
            "model": "meta-llama/Llama-2-13b-chat-hf",
            "preset": "self-reference",
            "principle": "best for humanity",
            "principle_label": "default",
            "counts": _COUNTS,
            "rates": _RATES,
        }
    ],
}
PROBLEM: dict[str, Any] = {
    "type": "urn:selfref:problem:invalid_request",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "`answer_b` is missing; send it.",
    "code": "invalid_request",
    "param": "answer_b",
    "retryable": False,
    "request_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "errors": [{"param": "answer_b", "detail": "`answer_b` is missing; send it."}],
}
ERROR_LINE: str = orjson.dumps(
    {
        "line": 7,
        "custom_id": "pair-7",
        "code": "invalid_request",
        "param": "answer_b",
        "message": "`answer_b` is missing; send it.",
        "retryable": False,
    }
).decode()
JOB: dict[str, Any] = {
    "version": 1,
    "id": "job-0f8fad5bd9cb469fa1657086",
    "name": "week 5",
    "status": "running",
    "created_at": "2026-01-31T12:00:00Z",
    "started_at": "2026-01-31T12:00:02Z",
    "ended_at": None,
    "options": {
        "name": "week 5",
        "principle": None,
        "preset": None,
        "votes": None,
        "max_votes": None,
        "markers": None,
        "max_refused": 0.1,
        "canaries": 0.02,
    },
    "bytes": 1048576,
    "lines": {"total": 1000, "pairs": 996, "duplicates": 3, "gold": 0, "refused": 1},
    "counts": {
        "submitted": 996,
        "decided": 200,
        "tie": 10,
        "inconsistent": 30,
        "failed": 1,
        "canceled": 0,
        "waiting": 755,
    },
    "usage": {"calls": 1210, "prompt_tokens": 410330, "completion_tokens": 96011},
    "pairs_per_second": 8.2,
    "eta_seconds": 92.1,
    "errors": [orjson.loads(ERROR_LINE)],
    "reason": None,
    "reliability": {
        "pending": 14,
        "failed": 0,
        "same_answers": 3,
        "same_answers_decided": 0,
        "repeats": 3,
        "repeats_agreeing": 3,
        "gold": 0,
        "gold_right": 0,
    },
}
RESULT_LINE: str = orjson.dumps({"line": 1, "duplicate_of": None, **JUDGMENT}).decode()
UPLOAD_LINES: str = "".join(
    orjson.dumps({**COMPARISONS[name]["value"], "custom_id": f"pair-{number}"}).decode() + "\n"
    for number, name in enumerate(("text", "reference"), start=1)
)
