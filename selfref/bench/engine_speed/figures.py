"""From counters read before and after a load to the figures of the report; no I/O.

The engine's counters are those of its `/metrics`. Its model thread is *busy* while it has texts to write, and then it
is either inside a forward call of the model or outside (scheduling, sampling, caches).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

Counters: TypeAlias = Mapping[str, float]  # name, with `{method}` where there is one, to value

PREFILL, DECODE = "prefill", "decode"
FIGURES = (  # key, what it is called, how it is written
    ("judgments", "judgments", "{:.0f}"),
    ("failed", "failed", "{:.0f}"),
    ("judgments_per_second", "judgments/s", "{:.2f}"),
    ("latency_median", "latency, median, s", "{:.3f}"),
    ("latency_p90", "latency, 90th percentile, s", "{:.3f}"),
    ("prefill_tokens_per_second", "prefill tok/s", "{:.0f}"),
    ("decode_tokens_per_second", "decode tok/s", "{:.0f}"),
    ("prefill_tokens_per_judgment", "prefill tokens per judgment", "{:.0f}"),
    ("decode_tokens_per_judgment", "decoded tokens per judgment", "{:.0f}"),
    ("reused_share", "share of prompt tokens reused", "{:.0%}"),
    ("mean_prompts", "prompts in a prefill, mean", "{:.1f}"),
    ("mean_rows", "rows in a decoding step, mean", "{:.1f}"),
    ("busy_share", "engine busy, share of the wall time", "{:.0%}"),
    ("outside_model_share", "of that, outside the model", "{:.0%}"),
    ("cpu_ms_per_judgment", "CPU-ms per judgment", "{:.1f}"),
)


@dataclass(frozen=True, slots=True)
class Load:
    """One load on the stack: what was read before and after it, and how long each judgment took."""

    latencies: Sequence[float]  # seconds, of every judged pair
    failures: Sequence[str]  # the code of every other one
    wall_seconds: float
    before: Counters
    after: Counters
    cpu_seconds: Mapping[str, float]  # by process


def counters(exposition: str) -> dict[str, float]:
    """The samples of a Prometheus text that figures need: those without labels, or with `method` alone."""
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if not sample.labels.keys() - {"method"}
    }


def figures(load: Load) -> dict[str, Any]:
    """The figures of `FIGURES`, failures by code, CPU-ms by process; None where there is nothing to divide by."""

    def grown(name: str, *methods: str) -> float:
        names = [f"{name}{{{method}}}" for method in methods] or [name]
        return sum(load.after.get(each, 0.0) - load.before.get(each, 0.0) for each in names)

    judged = len(load.latencies)
    prefilled = grown("engine_prompt_tokens") - grown("engine_prompt_reused_tokens")
    # A text's first token comes from its prompt.
    decoded = grown("tgi_request_generated_tokens_sum") - grown("tgi_request_generated_tokens_count")
    busy = grown("engine_busy_seconds")
    return {
        "judgments": judged,
        "failed": len(load.failures),
        "failures": dict(Counter(load.failures)),
        "judgments_per_second": _share(judged, load.wall_seconds),
        "latency_median": median(load.latencies) if judged else None,
        "latency_p90": quantiles(load.latencies, n=10, method="inclusive")[-1] if judged > 1 else None,
        "prefill_tokens_per_second": _share(prefilled, grown("tgi_batch_inference_duration_sum", PREFILL)),
        "decode_tokens_per_second": _share(decoded, grown("tgi_batch_inference_duration_sum", DECODE)),
        "prefill_tokens_per_judgment": _share(prefilled, judged),
        "decode_tokens_per_judgment": _share(decoded, judged),
        "reused_share": _share(grown("engine_prompt_reused_tokens"), grown("engine_prompt_tokens")),
        "mean_prompts": _share(
            grown("tgi_request_generated_tokens_count"), grown("tgi_batch_inference_count", PREFILL)
        ),
        "mean_rows": _share(decoded, grown("tgi_batch_inference_count", DECODE)),
        "busy_share": _share(busy, load.wall_seconds),
        "outside_model_share": _share(busy - grown("tgi_batch_forward_duration_sum", PREFILL, DECODE), busy),
        "cpu_ms_per_judgment": _share(1000 * sum(load.cpu_seconds.values()), judged),
        "cpu_ms_per_judgment_by_process": {
            name: _share(1000 * seconds, judged) for name, seconds in load.cpu_seconds.items()
        },
    }


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
