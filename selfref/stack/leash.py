"""Run a command that dies with the process that started it, even when that one is killed with SIGKILL.

    python -I -S leash.py PARENT_PID COMMAND [ARGUMENT ...]

The kernel is asked to kill this process when its parent ends (prctl(2), PR_SET_PDEATHSIG), and the command then takes
its place by exec, which keeps that wish. So the command needs to know nothing about it, there is no further process,
and no moment at which a child could be missed. SIGKILL, because whoever would see to it that a slower stop ends is
gone, and because every part of the stack is made to lose nothing by it. Linux only; elsewhere the command just runs.

A file to be run, not imported: it uses the standard library alone so that it costs a few milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(arguments: list[str]) -> None:
    """Tie this process to its parent, then become the command."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the whole purpose


if __name__ == "__main__":
    main(sys.argv[1:])
