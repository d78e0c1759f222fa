"""What the figures mean, on counters that are made up so that every one comes out round."""

import pytest

from engine.metrics import Metrics
from selfref.bench.engine_speed.figures import FIGURES, Load, counters, figures
from selfref.bench.engine_speed.report import report, table

AFTER = {
    "engine_prompt_tokens": 1100.0,
    "engine_prompt_reused_tokens": 800.0,
    "tgi_request_generated_tokens_sum": 570.0,
    "tgi_request_generated_tokens_count": 20.0,
    "tgi_batch_inference_duration_sum{prefill}": 3.0,
    "tgi_batch_inference_duration_sum{decode}": 5.0,
    "tgi_batch_forward_duration_sum{prefill}": 2.0,
    "tgi_batch_forward_duration_sum{decode}": 4.0,
    "tgi_batch_inference_count{prefill}": 5.0,
    "tgi_batch_inference_count{decode}": 50.0,
    "engine_busy_seconds": 8.0,
}
BEFORE = {"engine_prompt_tokens": 100.0, "engine_prompt_reused_tokens": 100.0, "tgi_request_generated_tokens_sum": 50.0}
LOAD = Load(
    latencies=[0.1, 0.2, 0.3, 0.4],
    failures=["too_long"],
    wall_seconds=10.0,
    before=BEFORE,
    after=AFTER,
    cpu_seconds={"engine": 8.0, "worker-1": 2.0},
)


def test_figures_are_differences_between_two_readings():
    found = figures(LOAD)
    assert found.pop("cpu_ms_per_judgment_by_process") == {"engine": 2000.0, "worker-1": 500.0}
    assert found.pop("failures") == {"too_long": 1}
    assert found == pytest.approx(
        {
            "judgments": 4,
            "failed": 1,
            "judgments_per_second": 0.4,
            "latency_median": 0.25,
            "latency_p90": 0.37,
            "prefill_tokens_per_second": 100.0,  # 1000 tokens of prompts, 700 of them reused, in 3 s
            "decode_tokens_per_second": 100.0,  # 520 tokens, of which 20 came from prompts, in 5 s
            "prefill_tokens_per_judgment": 75.0,
            "decode_tokens_per_judgment": 125.0,
            "reused_share": 0.7,
            "mean_prompts": 4.0,
            "mean_rows": 10.0,
            "busy_share": 0.8,
            "outside_model_share": 0.25,  # 8 s busy, 6 of them in forward calls
            "cpu_ms_per_judgment": 2500.0,
        }
    )


def test_where_nothing_happened_there_are_no_figures():
    found = figures(Load([], [], wall_seconds=1.0, before=AFTER, after=AFTER, cpu_seconds={"engine": 0.5}))
    assert found["judgments_per_second"] == 0
    assert {name for name, value in found.items() if value is None} >= {
        *("latency_median", "latency_p90", "decode_tokens_per_second", "mean_rows", "outside_model_share")
    }


def test_every_counter_is_one_that_the_engine_has():
    metrics = Metrics()
    for method in ("prefill", "decode"):
        metrics.steps.inc(value=method)
        metrics.step_duration.labels(method).observe(1)
        metrics.forward_duration.labels(method).observe(1)
    assert counters(metrics.exposition().decode()).keys() >= AFTER.keys()


def test_the_report_gives_medians_and_keeps_every_run():
    runs = [{"loads": {"alone": {"callers": 1, **figures(LOAD), "latency_median": value}}} for value in (0.1, 0.5, 0.2)]
    found = report(runs, settings={"seed": 0})
    (load,) = found["loads"].values()
    assert load["median"]["latency_median"] == 0.2
    assert len(load["runs"]) == 3
    assert table(found).row_count == len(FIGURES) + 1 + 2  # failures by reason, and two processes
