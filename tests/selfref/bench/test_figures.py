"""What the figures mean: Little's law on samples, CPU of another process, medians with stable keys."""

import subprocess
import sys
import time

import pytest

from selfref.bench.cpu import cpu_seconds
from selfref.bench.overhead import Setting, steady_share
from selfref.bench.report import ROWS, report, summary, table
from selfref.bench.stack import Faults

SETTING = Setting(pairs=10, concurrency=4, latency_ms=50, faults=Faults())


def samples(*busy: float) -> list[dict[str, float]]:
    return [{"now": float(number), "busy_seconds": seconds} for number, seconds in enumerate(busy)]


def test_a_full_engine_has_a_share_of_one():
    assert steady_share(samples(*range(0, 44, 4)), SETTING) == pytest.approx(1.0)


def test_an_engine_that_is_half_empty_has_a_share_of_a_half():
    assert steady_share(samples(*range(0, 22, 2)), SETTING) == pytest.approx(0.5)


def test_the_beginning_and_the_end_do_not_count():
    slow_ends = samples(0, 0.1, 0.2, 4, 8, 12, 16, 20, 20.1, 20.2)
    assert steady_share(slow_ends, SETTING) == pytest.approx(1.0)


def test_without_latency_or_samples_there_is_no_share():
    instant = Setting(pairs=10, concurrency=4, latency_ms=0, faults=Faults())
    assert steady_share(samples(*range(20)), instant) is None
    assert steady_share(samples(0, 5), SETTING) is None


def test_cpu_of_another_process_is_what_it_used():
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ninput()"
    command = [sys.executable, "-c", busy]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        assert 0.25 <= cpu_seconds(process.pid) <= 1.0
        began = time.process_time()
        process.communicate("\n")
        assert time.process_time() - began < 1


def run(**changed: object) -> dict[str, object]:
    return {**{key: 1.0 for key, _, _ in ROWS}, "failed": {}, **changed}


def test_the_report_gives_medians_and_keeps_every_run():
    runs = [run(pairs_per_second=speed, share_of_ideal=None) for speed in (10.0, 30.0, 20.0)]
    found = report([summary(SETTING, runs)])
    (setting,) = found["settings"]
    assert setting["median"]["pairs_per_second"] == 20.0
    assert setting["median"]["share_of_ideal"] is None
    assert len(setting["runs"]) == 3
    assert {"benchmark", "version", "machine", "settings"} == found.keys()
    assert table([setting]).row_count == len(setting["median"]) + 1
