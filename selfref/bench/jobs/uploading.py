"""How fast uploads are taken in and read, and what that takes of gateway, keeper and disk.

Every case has a fresh stack, so that a peak of memory is that case's own. There is no worker: what is fed waits.
"""

import asyncio
import os
import time
from functools import partial
from pathlib import Path

from selfref.bench.cpu import cpu_seconds, peak_bytes
from selfref.bench.jobs.caller import Caller, read
from selfref.bench.jobs.lines import compressed, write_lines
from selfref.bench.jobs.plan import Case, Figures, Measurement, Plan
from selfref.bench.jobs.stack import Bench

READING_PATIENCE = 1800.0  # seconds
SYNC_EVERY = 32 * 1024 * 1024  # bytes, as the gateway does
MB = 1e6


def cases(plan: Plan) -> list[Case]:
    """Each size as it is, and gzipped."""
    return [
        Case(f"{size:,} lines\n{'gzip' if packed else 'plain'}", partial(measure, size, packed=packed))
        for size in plan.sizes
        for packed in (False, True)
    ]


async def measure(size: int, *, packed: bool) -> Figures:
    """One upload of `size` lines of a kilobyte, and their reading."""
    async with Bench.standing() as bench:
        file = bench.folder / "lines.jsonl"
        await asyncio.to_thread(write_lines, file, size)
        sent = await asyncio.to_thread(compressed, file) if packed else file
        syncs = await asyncio.to_thread(sync_costs, bench.folder, size=file.stat().st_size)
        await asyncio.to_thread(os.sync)  # what was prepared is not to be written during the measurement
        await bench.redis()
        gateway, url = await bench.gateway()
        keeper = await bench.keeper()
        at_rest = peak_bytes(gateway.pid)
        async with Caller.calling(url) as caller:
            spent, keeping, began = cpu_seconds(gateway.pid), cpu_seconds(keeper.pid), time.perf_counter()
            job = await caller.upload(sent)
            accepted, gateway_cpu = time.perf_counter() - began, cpu_seconds(gateway.pid) - spent
            await caller.until(job["id"], read, within=READING_PATIENCE)
            reading = time.perf_counter() - began - accepted
            keeper_cpu = cpu_seconds(keeper.pid) - keeping
        return {
            "upload_lines_per_second": size / accepted,
            "upload_seconds": accepted,
            "sent_mb": sent.stat().st_size / MB,
            "gateway_cpu_seconds": gateway_cpu,
            "gateway_cpu_us_per_line": gateway_cpu / size * 1e6,
            "gateway_rest_mb": at_rest / MB,
            "gateway_peak_mb": peak_bytes(gateway.pid) / MB,
            **syncs,
            "reading_lines_per_second": size / reading,
            "reading_seconds": reading,
            "keeper_cpu_us_per_line": keeper_cpu / size * 1e6,
            "keeper_peak_mb": peak_bytes(keeper.pid) / MB,
        }


def sync_costs(folder: Path, *, size: int) -> Figures:
    """Milliseconds of syncs on this disk: the last one of a file written and synced as the gateway does, and the only
    one of an equal file that was not synced on the way."""
    return {
        "last_sync_ms": _written(folder / "synced", size, sync_every=SYNC_EVERY),
        "only_sync_ms": _written(folder / "unsynced", size, sync_every=size + 1),
    }


def _written(path: Path, size: int, *, sync_every: int) -> float:
    block = os.urandom(1024 * 1024)
    with path.open("xb", buffering=0) as file:
        left, unsynced = size, 0
        while left:
            written = file.write(block[:left])
            left -= written
            unsynced += written
            if unsynced >= sync_every and left:
                os.fdatasync(file.fileno())
                unsynced = 0
        began = time.perf_counter()
        os.fdatasync(file.fileno())
        took = time.perf_counter() - began
    path.unlink()
    return took * 1000


MEASUREMENT = Measurement(
    title="Upload of lines of 1 kB, and their reading; medians",
    figures=(
        ("upload_lines_per_second", "upload: lines/s", "{:,.0f}"),
        ("upload_seconds", "upload: s until the 202", "{:.2f}"),
        ("sent_mb", "MB sent", "{:.1f}"),
        ("gateway_cpu_seconds", "gateway: CPU-s", "{:.2f}"),
        ("gateway_cpu_us_per_line", "gateway: CPU-µs a line", "{:.1f}"),
        ("gateway_rest_mb", "gateway: peak memory before, MB", "{:.0f}"),
        ("gateway_peak_mb", "gateway: peak memory, MB", "{:.0f}"),
        ("last_sync_ms", "last sync of an equal file synced on the way, ms", "{:.1f}"),
        ("only_sync_ms", "only sync of an equal file, ms", "{:.1f}"),
        ("reading_lines_per_second", "reading: lines/s", "{:,.0f}"),
        ("reading_seconds", "reading: s from 202 to running", "{:.2f}"),
        ("keeper_cpu_us_per_line", "keeper: CPU-µs a line", "{:.1f}"),
        ("keeper_peak_mb", "keeper: peak memory, MB", "{:.0f}"),
    ),
    cases=cases,
)
