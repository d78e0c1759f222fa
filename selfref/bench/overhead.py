"""What the service costs per engine call, and how much of the engine's concurrency it keeps busy.

One measurement is one fresh stack beside a stub engine: a warm-up, N pairs through `POST /judge`, and then a bare loop
that makes the same calls. CPU is that of the service's own processes; the client's and the stub's are not counted.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfref.bench.bare import bare_loop
from selfref.bench.load import Answers, drive, labels, lost_and_invented
from selfref.bench.pairs import pairs
from selfref.bench.sampling import reset_stats, sampled
from selfref.bench.stack import MEASURED, Faults, Standing, standing

WARM_UP_PAIRS = 100
OPEN_REQUESTS = 3  # for each call in flight: enough that the worker always finds the next pair waiting
MIN_SAMPLES = 3  # of the engine's statistics, for a share of its concurrency to mean anything
PROMPT_ROUTES = ("/generate", "/chat_tokenize", "/tokenize")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured."""

    pairs: int
    concurrency: int
    latency_ms: float
    faults: Faults
    workers: int = 1


async def measure(setting: Setting, *, seed: int) -> dict[str, Any]:
    """One run; the keys of the result are those of the JSON report."""
    with tempfile.TemporaryDirectory(prefix="selfref-bench-") as folder:
        stack = standing(
            Path(folder),
            workers=setting.workers,
            concurrency=setting.concurrency,
            latency_ms=setting.latency_ms,
            faults=setting.faults,
            seed=seed,
        )
        async with stack as running:
            await _drive(running, setting, count=min(WARM_UP_PAIRS, setting.pairs), seed=seed + 1_000_000)
            await reset_stats(running.engine_url)
            known = len(await labels(running.service_url))
            before, began = running.cpu(), time.perf_counter()
            async with sampled(running.engine_url) as samples:
                answers = await _drive(running, setting, count=setting.pairs, seed=seed)
            wall, after = time.perf_counter() - began, running.cpu()
            stats = samples[-1]
            feed = (await labels(running.service_url))[known:]
            await reset_stats(running.engine_url)
            async with sampled(running.engine_url) as bare_samples:
                bare = await bare_loop(running.engine_url, stats["calls"], concurrency=setting.concurrency)
    cpu = {name: after[name] - before[name] for name in MEASURED}
    return {
        **_speed(setting, stats, wall=wall),
        "share_of_ideal": steady_share(samples, setting),
        **_cost(cpu, stats),
        **_outcome(answers, feed),
        "bare_calls_per_second": bare.calls / bare.wall_seconds,
        "bare_cpu_ms_per_call": bare.cpu_seconds / bare.calls * 1000,
        "bare_share_of_ideal": steady_share(bare_samples, setting),
    }


async def _drive(running: Standing, setting: Setting, *, count: int, seed: int) -> Answers:
    return await drive(running.service_url, pairs(count, seed=seed), open_requests=OPEN_REQUESTS * setting.concurrency)


def _speed(setting: Setting, stats: dict[str, Any], *, wall: float) -> dict[str, Any]:
    calls = _calls(stats)
    return {
        "pairs_per_second": setting.pairs / wall,
        "engine_calls": calls,
        "engine_calls_per_pair": calls / setting.pairs,
        "generate_calls_per_pair": stats["calls"]["/generate"] / setting.pairs,
        "engine_calls_per_second": calls / wall,
        "share_of_ideal_with_ends": _share(setting, stats["busy_seconds"], stats["span_seconds"]),
        "max_in_flight": stats["max_in_flight"],
    }


def steady_share(samples: list[dict[str, Any]], setting: Setting) -> float | None:
    """Mean calls in flight over the concurrency, between a tenth and nine tenths of the work (Little's law).

    Beginning and end are left out: while the last pairs finish, nobody could fill the engine. None without latency.
    """
    total = samples[-1]["busy_seconds"]
    middle = [each for each in samples if 0.1 * total <= each["busy_seconds"] <= 0.9 * total]
    if len(middle) < MIN_SAMPLES:
        return None
    first, last = middle[0], middle[-1]
    return _share(setting, last["busy_seconds"] - first["busy_seconds"], last["now"] - first["now"])


def _share(setting: Setting, busy: float, span: float) -> float | None:
    return busy / (span * setting.concurrency) if setting.latency_ms and span else None


def _cost(cpu: dict[str, float], stats: dict[str, Any]) -> dict[str, Any]:
    calls, generated = _calls(stats), stats["calls"]["/generate"]
    each = {f"cpu_ms_per_call_{name}": seconds / calls * 1000 for name, seconds in cpu.items()}
    total = sum(cpu.values())
    return {
        **each,
        "cpu_ms_per_call": total / calls * 1000,
        "cpu_ms_per_generate_call": total / generated * 1000,
    }


def _calls(stats: dict[str, Any]) -> int:
    return sum(stats["calls"].get(route, 0) for route in PROMPT_ROUTES)


def _outcome(answers: Answers, feed: list[dict[str, Any]]) -> dict[str, Any]:
    lost, invented = lost_and_invented(answers, feed)
    return {
        "judged": len(answers.judged),
        "failed": dict(answers.failures),
        "unanswered": answers.unanswered,
        "agreement": answers.agreed / len(answers.judged) if answers.judged else None,
        "labels_lost": lost,
        "labels_invented": invented,
    }
