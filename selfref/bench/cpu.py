"""CPU time and memory of another process, read where Linux keeps them."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")  # per second; 10 ms each on usual kernels
_USER, _SYSTEM = 11, 12  # utime and stime among the fields behind the command's name, proc_pid_stat(5)


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of this process so far. Raises FileNotFoundError once it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


def fine_cpu_seconds(pid: int) -> float:
    """The same of the threads that still run, to the nanosecond: for steps that take less than a tick."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="utf-8").split()[0]) for task in tasks) / 1e9


def peak_bytes(pid: int) -> int:
    """The most memory that this process has held since it began (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
