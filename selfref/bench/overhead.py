"""What the service costs per engine call, and how much of the engine's concurrency it keeps busy.

One measurement is one fresh stack beside a stub engine: a warm-up, N pairs through `POST /judge`, and then a bare loop
that makes the same calls. CPU is that of the service's own processes; the client's and the stub's are not counted.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from selfref.bench.bare import bare_loop
from selfref.bench.load import Answers, drive, labels, lost_and_invented
from selfref.bench.pairs import pairs
from selfref.bench.stack import MEASURED, Faults, Standing, standing

WARM_UP_PAIRS = 100
OPEN_REQUESTS = 3  # for each call in flight: enough that the worker always finds the next pair waiting
PROMPT_ROUTES = ("/generate", "/chat_tokenize", "/tokenize")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured."""

    pairs: int
    concurrency: int
    latency_ms: float
    faults: Faults


async def measure(setting: Setting, *, seed: int) -> dict[str, Any]:
    """One run; the keys of the result are those of the JSON report."""
    with tempfile.TemporaryDirectory(prefix="selfref-bench-") as folder:
        stack = standing(
            Path(folder),
            concurrency=setting.concurrency,
            latency_ms=setting.latency_ms,
            faults=setting.faults,
            seed=seed,
        )
        async with stack as running:
            await _drive(running, setting, count=WARM_UP_PAIRS, seed=seed + 1_000_000)
            await _stats(running.engine_url, "POST")
            known = len(await labels(running.service_url))
            before, began = running.cpu(), time.perf_counter()
            answers = await _drive(running, setting, count=setting.pairs, seed=seed)
            wall, after = time.perf_counter() - began, running.cpu()
            stats = await _stats(running.engine_url, "GET")
            feed = (await labels(running.service_url))[known:]
            await _stats(running.engine_url, "POST")
            bare = await bare_loop(running.engine_url, stats["calls"], concurrency=setting.concurrency)
            bare_stats = await _stats(running.engine_url, "GET")
    cpu = {name: after[name] - before[name] for name in MEASURED}
    return {
        **_speed(setting, stats, wall=wall),
        **_cost(cpu, stats),
        **_outcome(answers, feed),
        "bare_calls_per_second": bare.calls / bare.wall_seconds,
        "bare_cpu_ms_per_call": bare.cpu_seconds / bare.calls * 1000,
        "bare_share_of_ideal": _share_of_ideal(setting, bare_stats),
    }


async def _drive(running: Standing, setting: Setting, *, count: int, seed: int) -> Answers:
    return await drive(running.service_url, pairs(count, seed=seed), open_requests=OPEN_REQUESTS * setting.concurrency)


async def _stats(url: str, method: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.request(method, f"{url}/stats") as answer:
        stats: dict[str, Any] = await answer.json()
    return stats


def _speed(setting: Setting, stats: dict[str, Any], *, wall: float) -> dict[str, Any]:
    calls = _calls(stats)
    return {
        "pairs_per_second": setting.pairs / wall,
        "engine_calls": calls,
        "engine_calls_per_pair": calls / setting.pairs,
        "generate_calls_per_pair": stats["calls"]["/generate"] / setting.pairs,
        "engine_calls_per_second": calls / wall,
        "share_of_ideal": _share_of_ideal(setting, stats),
        "max_in_flight": stats["max_in_flight"],
    }


def _share_of_ideal(setting: Setting, stats: dict[str, Any]) -> float | None:
    """Little's law: mean calls in flight over the concurrency, from first call to last answer; None without latency."""
    if not setting.latency_ms or not stats["span_seconds"]:
        return None
    return float(stats["busy_seconds"] / (stats["span_seconds"] * setting.concurrency))


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
